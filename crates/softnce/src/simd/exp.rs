//! The exponential of a vector, for arguments that are not above 0 by more than rounding.
//!
//! `x = k ln 2 + r` with `|r| <= ln 2 / 2`, `exp x = 2^k p(r)`: the range is reduced in two parts (Cody and Waite), p is
//! the polynomial `1 + r + r^2 q(r)` of least largest relative error (Remez; 3.1e-9 for the `f32` one, 4.2e-17 for the
//! `f64` one), and `2^k` is put together from its exponent bits.
//!
//! Error over the whole range, tested: at most 1.5 units in the last place of the exact value, [-87, 88] for `f32` and
//! [-708, 709] for `f64`. Below that the result goes to 0 over the subnormal numbers; minus infinity gives 0, exactly.
//! Above the range and for NaN it means nothing: the kernels' arguments are at most 0, and finite or minus infinity.

use pulp::Simd;

use super::SimdFloat;

#[inline(always)]
pub(super) fn f32s<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    // Below this the power of 2 has all exponent bits 0.
    const LOWEST: f32 = -88.0;
    #[allow(clippy::excessive_precision)]
    const LN_2: [f32; 2] = [0.693_359_375, -2.121_944_4e-4];
    #[allow(clippy::excessive_precision)]
    const Q: [f32; 5] = [0.499_999_934, 0.166_665_206, 0.041_668_388, 0.008_368_717, 0.001_381_460];
    // Adding it rounds to an integer and leaves that integer, plus the exponent's bias, in the low bits.
    const ROUND: f32 = (3 << 22) as f32 + 127.0;
    reduced::<f32, S, 5>(simd, x, LOWEST, std::f32::consts::LOG2_E, LN_2, Q, ROUND, 23)
}

#[inline(always)]
pub(super) fn f64s<S: Simd>(simd: S, x: S::f64s) -> S::f64s {
    const LOWEST: f64 = -709.0;
    const LN_2: [f64; 2] = [0.693_147_180_369_123_8, 1.908_214_929_270_587_8e-10];
    #[allow(clippy::excessive_precision)]
    const Q: [f64; 11] = [
        0.499_999_999_999_999_999_97,
        0.166_666_666_666_666_643_75,
        0.041_666_666_666_666_547_776,
        0.008_333_333_333_337_463_358_3,
        0.001_388_888_889_113_012_622_6,
        1.984_126_982_940_142_182_4e-4,
        2.480_158_613_107_380_708_7e-5,
        2.755_733_593_997_661_516_8e-6,
        2.755_929_043_902_499_1e-7,
        2.506_345_815_356_092_9e-8,
        1.982_761_338_489_687_4e-9,
    ];
    const ROUND: f64 = (3u64 << 51) as f64 + 1023.0;
    reduced::<f64, S, 11>(simd, x, LOWEST, std::f64::consts::LOG2_E, LN_2, Q, ROUND, 52)
}

#[allow(clippy::too_many_arguments)]
#[inline(always)]
fn reduced<A: SimdFloat + std::ops::Neg<Output = A> + From<i8>, S: Simd, const N: usize>(
    simd: S,
    x: A::Vector<S>,
    lowest: A,
    log2_e: A,
    ln_2: [A; 2],
    q: [A; N],
    round: A,
    exponent_at: u32,
) -> A::Vector<S> {
    let splat = |value| A::splat(simd, value);
    let x = A::v_max(simd, splat(lowest), x);
    let rounded = A::v_mul_add(simd, x, splat(log2_e), splat(round));
    let k = A::v_sub(simd, rounded, splat(round));
    let r = A::v_mul_add(simd, k, splat(-ln_2[0]), x);
    let r = A::v_mul_add(simd, k, splat(-ln_2[1]), r);
    let mut p = splat(q[N - 1]);
    for &coefficient in q[..N - 1].iter().rev() {
        p = A::v_mul_add(simd, p, r, splat(coefficient));
    }
    let one = splat(A::from(1));
    p = A::v_mul_add(simd, p, r, one);
    p = A::v_mul_add(simd, p, r, one);
    A::v_mul(simd, p, A::shift_left(simd, rounded, exponent_at))
}
