//! The float types of logits and dense targets, the types in which their sums are computed, and dense rows of any of
//! these float types.

use bytemuck::Zeroable;
use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};
use ndarray::{Array1, ArrayView1, ArrayView2, CowArray, Ix2, LinalgScalar, ScalarOperand};
use num_traits::{Float, FromPrimitive, Zero};
use softnce_kernels::simd::{SimdFloat, Transpose};

use crate::shared::Shared;

mod sealed {
    pub trait Sealed {}
}

/// A float type that logits and dense targets may have: `f16`, `bf16`, `f32` or `f64`.
///
/// Sums are kept in [`Element::Accum`] and rounded once on the way out.
pub trait Element: sealed::Sealed + Copy + Default + Zero + Zeroable + Send + Sync + std::fmt::Debug + 'static {
    /// Type that sums are kept in: `f64` for `f64`, `f32` for the others.
    type Accum: Accum;

    /// How far the sum of a dense target row of this type may be from 1.
    ///
    /// `1e-4` for `f32` and `f64`, `2e-3` for `f16`, `2e-2` for `bf16`.
    const SIMPLEX_TOLERANCE: f64;

    /// Widens the value, exactly.
    fn to_accum(self) -> Self::Accum;
    /// Rounds to nearest. A value out of range becomes infinite, as everywhere in half precision.
    fn from_accum(value: Self::Accum) -> Self;
    /// Widens the value, exactly.
    fn as_f64(self) -> f64;

    /// The values, where they are of the accumulating type already.
    #[doc(hidden)]
    fn as_accum(values: &[Self]) -> Option<&[Self::Accum]>;
    /// The values, where they are of the accumulating type already.
    #[doc(hidden)]
    fn as_accum_mut(values: &mut [Self]) -> Option<&mut [Self::Accum]>;
    /// Widens a slice into another of the same length.
    #[doc(hidden)]
    fn widen(values: &[Self], out: &mut [Self::Accum]);
    /// Rounds a slice into another of the same length.
    #[doc(hidden)]
    fn narrow(values: &[Self::Accum], out: &mut [Self]);

    #[doc(hidden)]
    fn erase(rows: CowArray<'_, Self, Ix2>) -> Dense<'_>;
}

/// A float type that sums are kept in: `f32` or `f64`.
pub trait Accum:
    Element<Accum = Self>
    + Float
    + FromPrimitive
    + LinalgScalar
    + ScalarOperand
    + std::ops::AddAssign
    + std::ops::MulAssign
    + std::iter::Sum
    + std::fmt::Display
    + SimdFloat
    + Transpose
{
    /// Name of the type, for messages.
    const NAME: &'static str;

    /// Rounds an `f64` to this type.
    fn of(value: f64) -> Self;

    /// The rows, where they are of this type already.
    #[doc(hidden)]
    fn dense_view<'d>(rows: &'d Dense<'_>) -> Option<ArrayView2<'d, Self>>;
}

macro_rules! element {
    ($type:ty, $accum:ty, $tolerance:expr, $variant:ident, $to:expr, $from:expr, {$($slices:tt)*}) => {
        impl sealed::Sealed for $type {}
        impl Element for $type {
            type Accum = $accum;
            const SIMPLEX_TOLERANCE: f64 = $tolerance;
            #[inline]
            fn to_accum(self) -> $accum {
                $to(self)
            }
            #[inline]
            fn from_accum(value: $accum) -> Self {
                $from(value)
            }
            #[inline]
            fn as_f64(self) -> f64 {
                f64::from(self)
            }
            fn erase(rows: CowArray<'_, Self, Ix2>) -> Dense<'_> {
                Dense::$variant(rows)
            }
            $($slices)*
        }
    };
}

macro_rules! own_slices {
    () => {
        fn as_accum(values: &[Self]) -> Option<&[Self]> {
            Some(values)
        }
        fn as_accum_mut(values: &mut [Self]) -> Option<&mut [Self]> {
            Some(values)
        }
        fn widen(values: &[Self], out: &mut [Self]) {
            out.copy_from_slice(values);
        }
        fn narrow(values: &[Self], out: &mut [Self]) {
            out.copy_from_slice(values);
        }
    };
}

macro_rules! half_slices {
    () => {
        fn as_accum(_: &[Self]) -> Option<&[f32]> {
            None
        }
        fn as_accum_mut(_: &mut [Self]) -> Option<&mut [f32]> {
            None
        }
        fn widen(values: &[Self], out: &mut [f32]) {
            values.convert_to_f32_slice(out);
        }
        fn narrow(values: &[f32], out: &mut [Self]) {
            out.convert_from_f32_slice(values);
        }
    };
}

element!(f64, f64, 1e-4, F64, |x| x, |x| x, {
    own_slices!();
});
element!(f32, f32, 1e-4, F32, |x| x, |x| x, {
    own_slices!();
});
element!(f16, f32, 2e-3, F16, f16::to_f32, f16::from_f32, {
    half_slices!();
});
element!(bf16, f32, 2e-2, Bf16, bf16::to_f32, bf16::from_f32, {
    half_slices!();
});

impl Accum for f64 {
    const NAME: &'static str = "f64";
    fn of(value: f64) -> Self {
        value
    }
    fn dense_view<'d>(rows: &'d Dense<'_>) -> Option<ArrayView2<'d, Self>> {
        match rows {
            Dense::F64(rows) => Some(rows.view()),
            _ => None,
        }
    }
}

impl Accum for f32 {
    const NAME: &'static str = "f32";
    fn of(value: f64) -> Self {
        value as f32
    }
    fn dense_view<'d>(rows: &'d Dense<'_>) -> Option<ArrayView2<'d, Self>> {
        match rows {
            Dense::F32(rows) => Some(rows.view()),
            _ => None,
        }
    }
}

/// Dense rows with their float type erased, so that targets of any type go with logits of any type.
#[doc(hidden)]
#[derive(Debug, Clone)]
pub enum Dense<'a> {
    /// Double precision.
    F64(Shared<'a, f64, Ix2>),
    /// Single precision.
    F32(Shared<'a, f32, Ix2>),
    /// IEEE half precision.
    F16(Shared<'a, f16, Ix2>),
    /// Brain floating point.
    Bf16(Shared<'a, bf16, Ix2>),
}

macro_rules! each {
    ($self:expr, $rows:ident => $body:expr) => {
        match $self {
            Dense::F64($rows) => $body,
            Dense::F32($rows) => $body,
            Dense::F16($rows) => $body,
            Dense::Bf16($rows) => $body,
        }
    };
}

impl Dense<'_> {
    pub(crate) fn dim(&self) -> (usize, usize) {
        each!(self, rows => rows.dim())
    }

    pub(crate) fn get(&self, row: usize, class: usize) -> f64 {
        each!(self, rows => rows[[row, class]].as_f64())
    }

    pub(crate) fn view(&self) -> Dense<'_> {
        match self {
            Dense::F64(rows) => Dense::F64(rows.view().into()),
            Dense::F32(rows) => Dense::F32(rows.view().into()),
            Dense::F16(rows) => Dense::F16(rows.view().into()),
            Dense::Bf16(rows) => Dense::Bf16(rows.view().into()),
        }
    }

    /// Writes a row, in the type that sums are kept in. Shape of `out`: `[d]`.
    pub(crate) fn write_row<A: Accum>(&self, row: usize, out: &mut [A]) {
        fn write<E: Element, A: Accum>(values: ArrayView1<'_, E>, out: &mut [A]) {
            out.iter_mut().zip(values).for_each(|(out, value)| *out = A::of(value.as_f64()));
        }
        each!(self, rows => write(rows.row(row), out));
    }

    pub(crate) fn into_owned<'t>(self) -> Dense<'t> {
        match self {
            Dense::F64(rows) => Dense::F64(rows.into_owned().into()),
            Dense::F32(rows) => Dense::F32(rows.into_owned().into()),
            Dense::F16(rows) => Dense::F16(rows.into_owned().into()),
            Dense::Bf16(rows) => Dense::Bf16(rows.into_owned().into()),
        }
    }

    pub(crate) fn add_row(&self, row: usize, scale: f64, mass: &mut Array1<f64>) {
        each!(self, rows => mass.zip_mut_with(&rows.row(row), |mass, weight| *mass += scale * weight.as_f64()));
    }
}
