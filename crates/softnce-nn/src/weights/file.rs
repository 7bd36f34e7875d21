//! Checkpoint files.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use pytorch_reader::{DType, PytorchReader};
use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};
use softnce_store::{StoreError, write};

use super::{NamedTensor, WeightsError};

/// Writes tensors as 32 bit floats to a safetensors file, atomically.
///
/// # Errors
/// [`WeightsError::Values`] for a tensor that does not fill its shape, [`WeightsError::Store`] if the file cannot be
/// written. An existing file is then unchanged.
pub fn write_safetensors(
    path: &Path,
    tensors: &[NamedTensor],
    metadata: &BTreeMap<String, String>,
) -> Result<(), WeightsError> {
    let bytes: Vec<Cow<[u8]>> = tensors.iter().map(|tensor| little_endian(&tensor.values)).collect();
    let views = tensors.iter().zip(&bytes).map(|(tensor, bytes)| {
        let NamedTensor { name, shape, values } = tensor;
        let view = TensorView::new(Dtype::F32, shape.clone(), bytes);
        let view =
            view.map_err(|_| WeightsError::Values { name: name.clone(), values: values.len(), shape: shape.clone() })?;
        Ok((name.as_str(), view))
    });
    let views: Vec<_> = views.collect::<Result<_, WeightsError>>()?;
    let metadata: HashMap<String, String> = metadata.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
    let bytes = serialize(views, (!metadata.is_empty()).then_some(metadata))
        .map_err(|error| format(path, error, "tensors that safetensors can hold"))?;
    Ok(write(path, &bytes)?)
}

/// The little-endian bytes of the values. Little-endian machines do not copy them: networks are large.
fn little_endian(values: &[f32]) -> Cow<'_, [u8]> {
    if cfg!(target_endian = "little") {
        Cow::Borrowed(bytemuck::cast_slice(values))
    } else {
        Cow::Owned(values.iter().flat_map(|value| value.to_le_bytes()).collect())
    }
}

/// Reads a checkpoint as 32 bit floats: `.safetensors`, or PyTorch's `.pth`, `.pt` and `.bin`.
///
/// In a PyTorch file the tensors may be below `state_dict_ema`, `model_ema`, `state_dict` or `model`, searched in this
/// order; other content is not read. Prefixes `module.` are removed.
///
/// # Errors
/// [`WeightsError::Store`] and [`WeightsError::Format`] for a file that cannot be read, has no tensors, or has two of one
/// name.
pub fn read_checkpoint(path: &Path) -> Result<BTreeMap<String, NamedTensor>, WeightsError> {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    let tensors = match ending {
        "safetensors" => read_safetensors(path)?,
        "pth" | "pt" | "bin" => read_pytorch(path)?,
        _ => return Err(format(path, "no known ending", "a name ending in .safetensors, .pth, .pt or .bin")),
    };
    if tensors.is_empty() {
        return Err(format(path, "no tensors", "a checkpoint"));
    }
    let mut named = BTreeMap::new();
    for tensor in tensors {
        let name = tensor.name.clone();
        if named.insert(name.clone(), tensor).is_some() {
            return Err(format(path, format!("two tensors {name}"), "one tensor of each name"));
        }
    }
    Ok(named)
}

/// The metadata of a safetensors file; empty if it has none.
///
/// # Errors
/// A file that cannot be read or is not a safetensors file.
pub fn read_metadata(path: &Path) -> Result<BTreeMap<String, String>, WeightsError> {
    let bytes = fs::read(path).map_err(|source| io(path, source))?;
    let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|error| format(path, error, "a safetensors file"))?;
    Ok(header.metadata().iter().flatten().map(|(key, value)| (key.clone(), value.clone())).collect())
}

fn format(path: &Path, reason: impl ToString, expected: &'static str) -> WeightsError {
    WeightsError::Format { path: PathBuf::from(path), reason: reason.to_string(), expected }
}

fn io(path: &Path, source: std::io::Error) -> WeightsError {
    StoreError::file("read", path)(source).into()
}

fn read_safetensors(path: &Path) -> Result<Vec<NamedTensor>, WeightsError> {
    let bytes = fs::read(path).map_err(|source| io(path, source))?;
    let file = SafeTensors::deserialize(&bytes).map_err(|error| format(path, error, "a safetensors file"))?;
    let read = |(name, view): (String, TensorView)| {
        let kind = match view.dtype() {
            Dtype::F64 => DType::F64,
            Dtype::F32 => DType::F32,
            Dtype::F16 => DType::F16,
            Dtype::BF16 => DType::BF16,
            Dtype::I64 => DType::I64,
            Dtype::I32 => DType::I32,
            Dtype::U8 => DType::U8,
            other => return Err(format(path, format!("{name} is of type {other:?}"), "floats")),
        };
        Ok(NamedTensor { name: unwrapped(&name), shape: view.shape().to_vec(), values: floats(kind, view.data()) })
    };
    file.tensors().into_iter().map(read).collect()
}

fn read_pytorch(path: &Path) -> Result<Vec<NamedTensor>, WeightsError> {
    // Opened here first: the reader's error does not say that a file is missing.
    File::open(path).map_err(|source| io(path, source))?;
    let reader = PytorchReader::new(path).map_err(|error| format(path, error, "a file that torch.save wrote"))?;
    let mut tensors: Vec<_> = reader.into_tensors().into_iter().collect();
    for prefix in ["state_dict_ema.", "model_ema.", "state_dict.", "model."] {
        if tensors.iter().any(|(name, _)| name.starts_with(prefix)) {
            let below = |(name, tensor): (String, _)| Some((name.strip_prefix(prefix)?.to_string(), tensor));
            tensors = tensors.into_iter().filter_map(below).collect();
            break;
        }
    }
    let read = |(name, tensor): (String, pytorch_reader::Tensor)| {
        let bytes = tensor.read().map_err(|source| io(path, source))?;
        Ok(NamedTensor {
            name: unwrapped(&name),
            shape: tensor.shape().to_vec(),
            values: floats(tensor.dtype(), &bytes),
        })
    };
    tensors.into_iter().map(read).collect()
}

/// The name without the prefixes of PyTorch's data parallel wrappers.
fn unwrapped(name: &str) -> String {
    name.trim_start_matches("module.").to_string()
}

/// Converts little-endian numbers, which both formats hold.
fn floats(kind: DType, bytes: &[u8]) -> Vec<f32> {
    match kind {
        DType::F64 => numbers(bytes, |bytes| f64::from_le_bytes(bytes) as f32),
        DType::F32 => numbers(bytes, f32::from_le_bytes),
        DType::F16 => numbers(bytes, |bytes| half::f16::from_le_bytes(bytes).to_f32()),
        DType::BF16 => numbers(bytes, |bytes| half::bf16::from_le_bytes(bytes).to_f32()),
        DType::I64 => numbers(bytes, |bytes| i64::from_le_bytes(bytes) as f32),
        DType::I32 => numbers(bytes, |bytes| i32::from_le_bytes(bytes) as f32),
        DType::I16 => numbers(bytes, |bytes| f32::from(i16::from_le_bytes(bytes))),
        DType::I8 => numbers(bytes, |bytes| f32::from(i8::from_le_bytes(bytes))),
        DType::U64 => numbers(bytes, |bytes| u64::from_le_bytes(bytes) as f32),
        DType::U32 => numbers(bytes, |bytes| u32::from_le_bytes(bytes) as f32),
        DType::U16 => numbers(bytes, |bytes| f32::from(u16::from_le_bytes(bytes))),
        DType::U8 | DType::Bool => bytes.iter().map(|&byte| f32::from(byte)).collect(),
    }
}

fn numbers<const N: usize>(bytes: &[u8], convert: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    bytes.as_chunks::<N>().0.iter().map(|&chunk| convert(chunk)).collect()
}
