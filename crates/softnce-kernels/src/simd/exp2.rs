//! The exponential to base 2, for vectors and for single values.
//!
//! `x = k + r` with an integer k and `|r| <= 1/2`, both exact. Then `2^x = 2^k 2^r`, and `2^r` is approximated by the
//! minimax polynomial `p(r) = 1 + r q(r)`, which has the smallest maximum of the relative error (1.6e-8 for `f32`,
//! 2.7e-17 for `f64`; fitted with Lawson's iteratively reweighted least squares). For base e, `k ln 2` would have to be
//! subtracted in two parts to keep r accurate (Cody-Waite range reduction). Base 2 does not need this; therefore the
//! kernels multiply their scores by log2 e and use base 2.
//!
//! The error is at most 1.5 units in the last place over the tested range, [-125, 126] for `f32` and [-1021, 1022] for
//! `f64`. Below the range the result goes to 0 through the subnormal numbers. Above it, and for infinite or NaN
//! arguments, the vector functions return an unspecified value (this is not undefined behaviour). The kernels pass only
//! finite arguments that are at most 0, apart from rounding errors.

use pulp::Simd;

use super::float::SimdFloat;

/// q for `f32`, from the constant term on.
const Q: [f32; 6] =
    [std::f32::consts::LN_2, 0.240_226_48, 0.055_503_324, 0.009_618_438, 0.001_339_892_6, 0.000_153_533_18];

/// `2^x` for `x <= 127`; 0 to within 2^-126 for `x < -126`. NaN stays NaN.
///
/// For loops over plain values that the compiler vectorises. A multiplication with an addition is always rounded once, so
/// the result has the same bits with every instruction set.
#[inline(always)]
pub fn exp2(x: f32) -> f32 {
    // Adding it rounds to an integer and leaves that integer in the low bits.
    const ROUND: f32 = (3 << 22) as f32;
    let x = if x < -126.0 { -126.0 } else { x };
    let rounded = x + ROUND;
    let r = x - (rounded - ROUND);
    let mut p = Q[5];
    for coefficient in [Q[4], Q[3], Q[2], Q[1], Q[0], 1.0] {
        p = p.mul_add(r, coefficient);
    }
    p * f32::from_bits(rounded.to_bits().wrapping_add(127) << 23)
}

#[inline(always)]
pub(super) fn f32s<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    #[cfg(any(target_arch = "x86_64", target_arch = "x86"))]
    if let Some(v4) = super::instructions::avx512(simd) {
        let avx = v4.avx512f;
        let value: pulp::f32x16 = bytemuck::cast(x);
        let k = pulp::cast(avx._mm512_roundscale_ps::<0>(pulp::cast(value)));
        let p = polynomial::<f32, pulp::x86::V4, 6>(v4, v4.sub_f32s(value, k), Q);
        let scaled: pulp::f32x16 = pulp::cast(avx._mm512_scalef_ps(pulp::cast(p), pulp::cast(k)));
        return bytemuck::cast(scaled);
    }
    // Adding it rounds to an integer and leaves that integer, plus the exponent's bias, in the low bits. At -127, the
    // lowest argument, all exponent bits of the power of 2 are 0.
    const ROUND: f32 = (3 << 22) as f32 + 127.0;
    reduced::<f32, S, 6>(simd, x, -127.0, ROUND, 23, Q)
}

#[inline(always)]
pub(super) fn f64s<S: Simd>(simd: S, x: S::f64s) -> S::f64s {
    const Q: [f64; 11] = [
        std::f64::consts::LN_2,
        0.240_226_506_959_101_3,
        0.055_504_108_664_820_08,
        0.009_618_129_107_594_011,
        0.001_333_355_814_677_576_5,
        0.000_154_035_304_572_641_83,
        1.525_273_349_233_994_8e-5,
        1.321_543_520_044_656e-6,
        1.017_819_977_270_735_3e-7,
        7.073_798_239_907_569e-9,
        4.434_759_580_132_810_7e-10,
    ];
    #[cfg(any(target_arch = "x86_64", target_arch = "x86"))]
    if let Some(v4) = super::instructions::avx512(simd) {
        let avx = v4.avx512f;
        let value: pulp::f64x8 = bytemuck::cast(x);
        let k = pulp::cast(avx._mm512_roundscale_pd::<0>(pulp::cast(value)));
        let p = polynomial::<f64, pulp::x86::V4, 11>(v4, v4.sub_f64s(value, k), Q);
        let scaled: pulp::f64x8 = pulp::cast(avx._mm512_scalef_pd(pulp::cast(p), pulp::cast(k)));
        return bytemuck::cast(scaled);
    }
    const ROUND: f64 = (3u64 << 51) as f64 + 1023.0;
    reduced::<f64, S, 11>(simd, x, -1023.0, ROUND, 52, Q)
}

/// `1 + r q(r)`
#[inline(always)]
fn polynomial<A: SimdFloat, S: Simd, const N: usize>(simd: S, r: A::Vector<S>, q: [A; N]) -> A::Vector<S> {
    let mut p = A::splat(simd, q[N - 1]);
    for &coefficient in q[..N - 1].iter().rev() {
        p = A::v_mul_add(simd, p, r, A::splat(simd, coefficient));
    }
    A::v_mul_add(simd, p, r, A::splat(simd, A::one()))
}

/// Rounds by an addition, and makes the power of 2 from its exponent bits.
#[inline(always)]
fn reduced<A: SimdFloat, S: Simd, const N: usize>(
    simd: S,
    x: A::Vector<S>,
    lowest: A,
    round: A,
    exponent_at: u32,
    q: [A; N],
) -> A::Vector<S> {
    let x = A::v_max(simd, A::splat(simd, lowest), x);
    let rounded = A::v_add(simd, x, A::splat(simd, round));
    let r = A::v_sub(simd, x, A::v_sub(simd, rounded, A::splat(simd, round)));
    A::v_mul(simd, polynomial::<A, S, N>(simd, r, q), A::shift_left(simd, rounded, exponent_at))
}

#[cfg(test)]
mod tests {
    use pulp::WithSimd;

    use super::exp2;
    use crate::simd::{Instructions, SimdFloat};

    /// `2^x` of whole vectors and of the tail, as the kernels compute it.
    struct Exps<'v, A>(&'v mut [A]);

    impl<A: SimdFloat> WithSimd for Exps<'_, A> {
        type Output = ();

        #[inline(always)]
        fn with_simd<S: pulp::Simd>(self, simd: S) {
            let (vectors, tail) = A::vectors_mut::<S>(self.0);
            vectors.iter_mut().for_each(|vector| *vector = A::v_exp2(simd, *vector));
            let vector = A::load_part(simd, tail);
            A::store_part(simd, tail, A::v_exp2(simd, vector));
        }
    }

    fn exps<A: SimdFloat>(instructions: Instructions, x: &[A]) -> Vec<A> {
        let mut values = x.to_vec();
        instructions.run(Exps(&mut values));
        values
    }

    /// `a + b` and its rounding error.
    fn two_sum(a: f64, b: f64) -> (f64, f64) {
        let sum = a + b;
        let part = sum - a;
        (sum, (a - (sum - part)) + (b - part))
    }

    /// `(high, low, k)` with `2^x = (high + low) 2^k` to about 30 digits, by Taylor's series in double-double arithmetic.
    fn exact(x: f64) -> (f64, f64, i32) {
        let multiply = |(a, b): (f64, f64), (c, d): (f64, f64)| {
            let product = a * c;
            two_sum(product, a.mul_add(c, -product) + (a * d + b * c))
        };
        let add = |(a, b): (f64, f64), (c, d): (f64, f64)| {
            let (sum, lost) = two_sum(a, c);
            two_sum(sum, lost + b + d)
        };
        // ln 2 to 32 digits: from mpmath import mp, log; mp.dps = 50; log(2)
        const LN_2: (f64, f64) = (std::f64::consts::LN_2, 2.319_046_813_846_299_6e-17);
        let k = x.round();
        let r = multiply((x - k, 0.0), LN_2);
        let (mut term, mut sum) = ((1.0, 0.0), (1.0, 0.0));
        for n in 1..30 {
            let n = f64::from(n);
            // Division by n through its reciprocal, corrected once.
            let inverse = (1.0 / n, -(1.0 / n).mul_add(n, -1.0) / n);
            term = multiply(multiply(term, r), inverse);
            sum = add(sum, term);
        }
        (sum.0, sum.1, k as i32)
    }

    #[test]
    fn the_reference_is_right() {
        // from mpmath import mp, mpf; mp.dps = 40; e = mpf(2) ** mpf("0.25"); float(e), float(e - float(e))
        let (high, low, k) = exact(0.25);
        assert_eq!((high.to_bits(), k), (1.189_207_115_002_721_f64.to_bits(), 0));
        assert!((low - 3.982_015_231_465_646e-17).abs() < 1e-31, "{low:e}");
    }

    #[test]
    fn singles_are_within_the_stated_bound_over_the_whole_range() {
        for instructions in Instructions::available() {
            // Every 499th number of the range and all numbers near its ends, of either sign.
            let bits = (0..126.0_f32.to_bits()).step_by(499).chain(125.0_f32.to_bits() - 5000..125.0_f32.to_bits());
            let x: Vec<f32> = bits.map(f32::from_bits).flat_map(|x| [-x, x]).filter(|x| *x >= -125.0).collect();
            for (&x, found) in x.iter().zip(exps(instructions, &x)) {
                let expected = f64::from(x).exp2();
                let unit = f64::from(f32::from_bits((expected as f32).to_bits() + 1) - expected as f32);
                let off = (f64::from(found) - expected).abs() / unit;
                assert!(off <= 1.5, "2^{x} is {found} on {instructions}, off by {off} units");
            }
        }
    }

    #[test]
    fn doubles_are_within_the_stated_bound_over_the_whole_range() {
        for instructions in Instructions::available() {
            let x: Vec<f64> = (0..400_000)
                .map(|step| -1021.0 + 2043.0 * f64::from(step) / 400_000.0)
                .chain((0..200).map(|power| -(2.0_f64.powi(-power))))
                .chain((0..200).map(|power| 2.0_f64.powi(-power)))
                .collect();
            for (&x, found) in x.iter().zip(exps(instructions, &x)) {
                let (high, low, k) = exact(x);
                // found 2^-k - high - low in units of the exact value's last place; only the last step rounds.
                let scaled = found * 2.0_f64.powi(-k / 2) * 2.0_f64.powi(-k - -k / 2);
                let unit = if high >= 1.0 { f64::EPSILON } else { f64::EPSILON / 2.0 };
                let off = ((scaled - high) - low).abs() / unit;
                assert!(off <= 1.5, "2^{x} is {found} on {instructions}, off by {off} units");
            }
        }
    }

    #[test]
    fn single_values_and_vectors_agree() {
        let x: Vec<f32> = (0..2_510_000).map(|step| -125.0 + step as f32 * 1e-4).collect();
        for instructions in Instructions::available() {
            for (&x, found) in x.iter().zip(exps(instructions, &x)) {
                // The portable vectors round products before sums, and halves may go to another whole number.
                let equal = instructions != Instructions::Portable && x.fract().abs() != 0.5;
                let most = if equal { 0 } else { 2 };
                let apart = exp2(x).to_bits().abs_diff(found.to_bits());
                assert!(apart <= most, "2^{x} is {found} on {instructions}, {} alone", exp2(x));
            }
        }
        assert_eq!([-1e30, f32::NEG_INFINITY].map(exp2), [2.0_f32.powi(-126); 2]);
        assert!(exp2(f32::NAN).is_nan());
    }

    #[test]
    fn every_length_of_a_tail_is_computed() {
        for instructions in Instructions::available() {
            for len in 0..40 {
                let x: Vec<f32> = (0..len).map(|at| -(at as f32)).collect();
                let expected: Vec<f32> = (0..len).map(|at| 2.0_f32.powi(-at)).collect();
                assert_eq!(exps(instructions, &x), expected, "{instructions}");
                let x: Vec<f64> = (0..len).map(|at| -f64::from(at)).collect();
                let expected: Vec<f64> = (0..len).map(|at| 2.0_f64.powi(-at)).collect();
                assert_eq!(exps(instructions, &x), expected, "{instructions}");
            }
        }
    }

    #[test]
    fn below_the_range_it_goes_to_zero() {
        for instructions in Instructions::available() {
            let x: Vec<f32> = (0..3000).map(|step| -125.0 - step as f32 * 0.01).chain([-1e30, f32::MIN]).collect();
            for (&x, found) in x.iter().zip(exps(instructions, &x)) {
                assert!((0.0..=2.4e-38).contains(&found), "2^{x} is {found} on {instructions}");
            }
            let x: Vec<f64> = (0..6000).map(|step| -1021.0 - step as f64 * 0.01).chain([-1e300, f64::MIN]).collect();
            for (&x, found) in x.iter().zip(exps(instructions, &x)) {
                assert!((0.0..=4.5e-308).contains(&found), "2^{x} is {found} on {instructions}");
            }
            assert_eq!(exps(instructions, &[f32::MIN, -1e30, -1.0, -0.0, 0.0]), [0.0, 0.0, 0.5, 1.0, 1.0]);
            assert_eq!(exps(instructions, &[f64::MIN, -1e300, -1.0, -0.0, 0.0]), [0.0, 0.0, 0.5, 1.0, 1.0]);
        }
    }
}
