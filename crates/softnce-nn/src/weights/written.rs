//! Writes safetensors files.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensorError, TensorView, serialize};
use softnce_store::{seal, write};

use super::{NamedTensor, WeightsError};

/// Writes tensors as 32 bit floats to a safetensors file, atomically. Equal tensors and metadata give equal bytes. Metadata
/// with the key [`CHECKSUM`](softnce_store::CHECKSUM) get the file's checksum there.
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
    let written = serialize(views, None).and_then(|bytes| with_metadata(bytes, metadata));
    let mut bytes = written.map_err(|error| WeightsError::Format {
        path: path.to_owned(),
        reason: error.to_string(),
        expected: "tensors that safetensors can hold",
    })?;
    seal(&mut bytes);
    Ok(write(path, &bytes)?)
}

/// Adds metadata to a safetensors file without any. The crate would write them in random order.
fn with_metadata(mut file: Vec<u8>, metadata: &BTreeMap<String, String>) -> Result<Vec<u8>, SafeTensorError> {
    if metadata.is_empty() {
        return Ok(file);
    }
    let length = *file.first_chunk().ok_or(SafeTensorError::HeaderTooSmall)?;
    let end = 8 + u64::from_le_bytes(length) as usize;
    let old = file.get(8..end).and_then(|header| header.trim_ascii().strip_prefix(b"{"));
    let old = old.ok_or(SafeTensorError::InvalidHeaderLength)?;
    let mut header = b"{\"__metadata__\":".to_vec();
    serde_json::to_writer(&mut header, metadata)?;
    if old != b"}" {
        header.push(b',');
    }
    header.extend_from_slice(old);
    header.resize(header.len().next_multiple_of(8), b' ');
    let length = (header.len() as u64).to_le_bytes();
    file.splice(..end, length.into_iter().chain(header));
    Ok(file)
}

/// The little-endian bytes of the values. Little-endian machines do not copy them: networks are large.
fn little_endian(values: &[f32]) -> Cow<'_, [u8]> {
    if cfg!(target_endian = "little") {
        Cow::Borrowed(bytemuck::cast_slice(values))
    } else {
        Cow::Owned(values.iter().flat_map(|value| value.to_le_bytes()).collect())
    }
}
