//! Types of numbers, and numbers as 32 bit floats.

use safetensors::tensor::Dtype;

/// A type of numbers that weights may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Element {
    F64,
    F32,
    F16,
    BF16,
    I64,
    I32,
    I16,
    I8,
    U64,
    U32,
    U16,
    U8,
    Bool,
}

impl Element {
    /// Bytes of a number.
    pub(super) fn size(self) -> usize {
        match self {
            Element::F64 | Element::I64 | Element::U64 => 8,
            Element::F32 | Element::I32 | Element::U32 => 4,
            Element::F16 | Element::BF16 | Element::I16 | Element::U16 => 2,
            Element::I8 | Element::U8 | Element::Bool => 1,
        }
    }

    pub(super) fn of_safetensors(dtype: Dtype) -> Option<Element> {
        Some(match dtype {
            Dtype::F64 => Element::F64,
            Dtype::F32 => Element::F32,
            Dtype::F16 => Element::F16,
            Dtype::BF16 => Element::BF16,
            Dtype::I64 => Element::I64,
            Dtype::I32 => Element::I32,
            Dtype::I16 => Element::I16,
            Dtype::I8 => Element::I8,
            Dtype::U64 => Element::U64,
            Dtype::U32 => Element::U32,
            Dtype::U16 => Element::U16,
            Dtype::U8 => Element::U8,
            Dtype::BOOL => Element::Bool,
            _ => return None,
        })
    }

    /// The type of a class of storages, such as `torch.FloatStorage`, or of a `dtype`, such as `torch.float32`.
    pub(super) fn of_torch(name: &str) -> Option<Element> {
        Some(match name.rsplit('.').next()? {
            "DoubleStorage" | "float64" | "double" => Element::F64,
            "FloatStorage" | "float32" | "float" => Element::F32,
            "HalfStorage" | "float16" | "half" => Element::F16,
            "BFloat16Storage" | "bfloat16" => Element::BF16,
            "LongStorage" | "int64" | "long" => Element::I64,
            "IntStorage" | "int32" | "int" => Element::I32,
            "ShortStorage" | "int16" | "short" => Element::I16,
            "CharStorage" | "int8" => Element::I8,
            "uint64" => Element::U64,
            "uint32" => Element::U32,
            "uint16" => Element::U16,
            "ByteStorage" | "UntypedStorage" | "uint8" => Element::U8,
            "BoolStorage" | "bool" => Element::Bool,
            _ => return None,
        })
    }

    /// Converts numbers; `big`: whether the most significant byte is first.
    pub(super) fn floats(self, bytes: &[u8], big: bool) -> Vec<f32> {
        match self {
            Element::F64 => numbers(bytes, big, |bytes| f64::from_le_bytes(bytes) as f32),
            Element::F32 => numbers(bytes, big, f32::from_le_bytes),
            Element::F16 => numbers(bytes, big, |bytes| half::f16::from_le_bytes(bytes).to_f32()),
            Element::BF16 => numbers(bytes, big, |bytes| half::bf16::from_le_bytes(bytes).to_f32()),
            Element::I64 => numbers(bytes, big, |bytes| i64::from_le_bytes(bytes) as f32),
            Element::I32 => numbers(bytes, big, |bytes| i32::from_le_bytes(bytes) as f32),
            Element::I16 => numbers(bytes, big, |bytes| f32::from(i16::from_le_bytes(bytes))),
            Element::I8 => numbers(bytes, big, |bytes| f32::from(i8::from_le_bytes(bytes))),
            Element::U64 => numbers(bytes, big, |bytes| u64::from_le_bytes(bytes) as f32),
            Element::U32 => numbers(bytes, big, |bytes| u32::from_le_bytes(bytes) as f32),
            Element::U16 => numbers(bytes, big, |bytes| f32::from(u16::from_le_bytes(bytes))),
            Element::U8 | Element::Bool => bytes.iter().map(|&byte| f32::from(byte)).collect(),
        }
    }
}

/// Bytes of a number in one of PyTorch's storages that hold no plain numbers: complex and quantised ones.
pub(super) fn size_of_other(storage: &str) -> Option<usize> {
    Some(match storage.rsplit('.').next()? {
        "ComplexDoubleStorage" => 16,
        "ComplexFloatStorage" => 8,
        "QInt32Storage" => 4,
        "QInt8Storage" | "QUInt8Storage" | "QUInt4x2Storage" | "QUInt2x4Storage" => 1,
        _ => return None,
    })
}

fn numbers<const N: usize>(bytes: &[u8], big: bool, convert: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    let one = |&(mut chunk): &[u8; N]| {
        if big {
            chunk.reverse();
        }
        convert(chunk)
    };
    bytes.as_chunks::<N>().0.iter().map(one).collect()
}
