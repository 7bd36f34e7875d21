//! The types of the safetensors format.

use safetensors::Dtype;

use super::element::{NumberFormat, NumberKind};

/// The format of the numbers of a tensor; `None` for types narrower than a byte and for complex numbers.
pub(crate) fn element(dtype: Dtype) -> Option<NumberFormat> {
    let (kind, bytes) = match dtype {
        Dtype::F16 => (NumberKind::Float, 2),
        Dtype::BF16 => (NumberKind::Brain, 2),
        Dtype::F32 => (NumberKind::Float, 4),
        Dtype::F64 => (NumberKind::Float, 8),
        Dtype::I8 => (NumberKind::Signed, 1),
        Dtype::I16 => (NumberKind::Signed, 2),
        Dtype::I32 => (NumberKind::Signed, 4),
        Dtype::I64 => (NumberKind::Signed, 8),
        Dtype::U8 | Dtype::BOOL => (NumberKind::Unsigned, 1),
        Dtype::U16 => (NumberKind::Unsigned, 2),
        Dtype::U32 => (NumberKind::Unsigned, 4),
        Dtype::U64 => (NumberKind::Unsigned, 8),
        _ => return None,
    };
    NumberFormat::new(kind, bytes, false)
}
