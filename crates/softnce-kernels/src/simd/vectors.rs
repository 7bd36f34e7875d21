//! Implements [`SimdFloat`] for `f32` and `f64` with the operations of [`pulp::Simd`].

use pulp::Simd;

use super::exp2;
use super::float::SimdFloat;

macro_rules! simd_float {
    ($type:ty, $bits:ty, $exp2:path, $vector:ident, $splat:ident, $add:ident, $sub:ident, $mul:ident, $mul_add:ident,
     $max:ident, $min:ident, $vectors:ident, $vectors_mut:ident, $load:ident, $store:ident, $sum:ident,
     $max_lane:ident, $min_lane:ident) => {
        impl SimdFloat for $type {
            type Vector<S: Simd> = S::$vector;

            #[inline(always)]
            fn splat<S: Simd>(simd: S, value: Self) -> S::$vector {
                simd.$splat(value)
            }
            #[inline(always)]
            fn v_add<S: Simd>(simd: S, a: S::$vector, b: S::$vector) -> S::$vector {
                simd.$add(a, b)
            }
            #[inline(always)]
            fn v_sub<S: Simd>(simd: S, a: S::$vector, b: S::$vector) -> S::$vector {
                simd.$sub(a, b)
            }
            #[inline(always)]
            fn v_mul<S: Simd>(simd: S, a: S::$vector, b: S::$vector) -> S::$vector {
                simd.$mul(a, b)
            }
            #[inline(always)]
            fn v_mul_add<S: Simd>(simd: S, a: S::$vector, b: S::$vector, c: S::$vector) -> S::$vector {
                simd.$mul_add(a, b, c)
            }
            #[inline(always)]
            fn v_max<S: Simd>(simd: S, a: S::$vector, b: S::$vector) -> S::$vector {
                simd.$max(a, b)
            }
            #[inline(always)]
            fn v_min<S: Simd>(simd: S, a: S::$vector, b: S::$vector) -> S::$vector {
                simd.$min(a, b)
            }
            #[inline(always)]
            fn v_exp2<S: Simd>(simd: S, x: S::$vector) -> S::$vector {
                $exp2(simd, x)
            }
            #[inline(always)]
            fn shift_left<S: Simd>(_: S, mut value: S::$vector, amount: u32) -> S::$vector {
                // The compiler makes one instruction of this loop; pulp has no shift for all sets.
                let lanes: &mut [$bits] = bytemuck::cast_slice_mut(std::slice::from_mut(&mut value));
                lanes.iter_mut().for_each(|lane| *lane <<= amount);
                value
            }
            #[inline(always)]
            fn vectors<S: Simd>(values: &[Self]) -> (&[S::$vector], &[Self]) {
                S::$vectors(values)
            }
            #[inline(always)]
            fn vectors_mut<S: Simd>(values: &mut [Self]) -> (&mut [S::$vector], &mut [Self]) {
                S::$vectors_mut(values)
            }
            #[inline(always)]
            fn load_part<S: Simd>(simd: S, values: &[Self]) -> S::$vector {
                simd.$load(values)
            }
            #[inline(always)]
            fn store_part<S: Simd>(simd: S, values: &mut [Self], vector: S::$vector) {
                simd.$store(values, vector)
            }
            #[inline(always)]
            fn sum_lanes<S: Simd>(simd: S, vector: S::$vector) -> Self {
                simd.$sum(vector)
            }
            #[inline(always)]
            fn max_lane<S: Simd>(simd: S, vector: S::$vector) -> Self {
                simd.$max_lane(vector)
            }
            #[inline(always)]
            fn min_lane<S: Simd>(simd: S, vector: S::$vector) -> Self {
                simd.$min_lane(vector)
            }
        }
    };
}

simd_float!(
    f32,
    u32,
    exp2::f32s,
    f32s,
    splat_f32s,
    add_f32s,
    sub_f32s,
    mul_f32s,
    mul_add_e_f32s,
    max_f32s,
    min_f32s,
    as_simd_f32s,
    as_mut_simd_f32s,
    partial_load_f32s,
    partial_store_f32s,
    reduce_sum_f32s,
    reduce_max_f32s,
    reduce_min_f32s
);
simd_float!(
    f64,
    u64,
    exp2::f64s,
    f64s,
    splat_f64s,
    add_f64s,
    sub_f64s,
    mul_f64s,
    mul_add_e_f64s,
    max_f64s,
    min_f64s,
    as_simd_f64s,
    as_mut_simd_f64s,
    partial_load_f64s,
    partial_store_f64s,
    reduce_sum_f64s,
    reduce_max_f64s,
    reduce_min_f64s
);
