//! The trait of the vector operations that the kernels use; `vectors.rs` implements it for `f32` and `f64`.

use bytemuck::Pod;
use num_traits::Float;
use pulp::Simd;

/// A float type with vectors of it: `f32` or `f64`.
pub trait SimdFloat: Pod + Float {
    /// A vector of the instruction set.
    type Vector<S: Simd>: Pod + Send + Sync;

    /// The value in every lane.
    fn splat<S: Simd>(simd: S, value: Self) -> Self::Vector<S>;
    /// `a + b`
    fn v_add<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    /// `a - b`
    fn v_sub<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    /// `a b`
    fn v_mul<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    /// `a b + c`, rounded once if the instruction set can.
    fn v_mul_add<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>, c: Self::Vector<S>) -> Self::Vector<S>;
    /// The larger value of each lane; either one if one is NaN.
    fn v_max<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    /// The smaller value of each lane; either one if one is NaN.
    fn v_min<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    /// `2^x` for `x` not above 0 by more than rounding, within 1.5 units in the last place.
    fn v_exp2<S: Simd>(simd: S, x: Self::Vector<S>) -> Self::Vector<S>;
    /// Shifts the bits of each lane to the left.
    fn shift_left<S: Simd>(simd: S, value: Self::Vector<S>, amount: u32) -> Self::Vector<S>;
    /// The slice as whole vectors, and the values that do not fill one.
    fn vectors<S: Simd>(values: &[Self]) -> (&[Self::Vector<S>], &[Self]);
    /// The slice as whole vectors, and the values that do not fill one.
    fn vectors_mut<S: Simd>(values: &mut [Self]) -> (&mut [Self::Vector<S>], &mut [Self]);
    /// Loads the first lanes from a slice shorter than a vector; the others are 0.
    fn load_part<S: Simd>(simd: S, values: &[Self]) -> Self::Vector<S>;
    /// Stores the first lanes into a slice shorter than a vector.
    fn store_part<S: Simd>(simd: S, values: &mut [Self], vector: Self::Vector<S>);
    /// The sum over the lanes, in an order that only the instruction set decides.
    fn sum_lanes<S: Simd>(simd: S, vector: Self::Vector<S>) -> Self;
    /// The largest lane.
    fn max_lane<S: Simd>(simd: S, vector: Self::Vector<S>) -> Self;
    /// The smallest lane.
    fn min_lane<S: Simd>(simd: S, vector: Self::Vector<S>) -> Self;

    /// Number of lanes.
    #[inline(always)]
    fn lanes<S: Simd>() -> usize {
        size_of::<Self::Vector<S>>() / size_of::<Self>()
    }
}
