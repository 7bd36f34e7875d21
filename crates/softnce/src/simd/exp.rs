//! The exponential of a vector, for arguments that are not above 0 by more than rounding.
//!
//! `x = k ln 2 + r` with `|r| <= ln 2 / 2`, `exp x = 2^k p(r)`: the range is reduced in two parts (Cody and Waite), p is
//! the polynomial `1 + r + r^2 q(r)` of least largest relative error (Remez; 3.1e-9 for the `f32` one, 1.1e-17 for the
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
    const Q: [f64; 10] = [
        0.500_000_000_000_001_1,
        0.166_666_666_666_664_13,
        0.041_666_666_666_530_04,
        0.008_333_333_333_494_595,
        0.001_388_888_894_366_598_8,
        0.000_198_412_695_063_811_33,
        2.480_149_305_827_751_7e-5,
        2.755_758_646_977_675_6e-6,
        2.763_026_395_744_992_5e-7,
        2.500_005_646_862_667_6e-8,
    ];
    const ROUND: f64 = (3u64 << 51) as f64 + 1023.0;
    reduced::<f64, S, 10>(simd, x, LOWEST, std::f64::consts::LOG2_E, LN_2, Q, ROUND, 52)
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

#[cfg(test)]
mod tests {
    use pulp::WithSimd;

    use crate::simd::{Instructions, SimdFloat};

    /// The exponential of whole vectors and of a tail, as the kernels take them.
    struct Exps<'v, A>(&'v mut [A]);

    impl<A: SimdFloat> WithSimd for Exps<'_, A> {
        type Output = ();

        #[inline(always)]
        fn with_simd<S: pulp::Simd>(self, simd: S) {
            let (vectors, tail) = A::vectors_mut::<S>(self.0);
            vectors.iter_mut().for_each(|vector| *vector = A::v_exp(simd, *vector));
            let vector = A::load_part(simd, tail);
            A::store_part(simd, tail, A::v_exp(simd, vector));
        }
    }

    fn exps<A: SimdFloat>(instructions: Instructions, x: &[A]) -> Vec<A> {
        let mut values = x.to_vec();
        instructions.run(Exps(&mut values));
        values
    }

    /// `a + b` and what its rounding lost.
    fn two_sum(a: f64, b: f64) -> (f64, f64) {
        let sum = a + b;
        let part = sum - a;
        (sum, (a - (sum - part)) + (b - part))
    }

    /// e^x as a sum of two numbers, good to some 30 digits: Taylor's series of x / 2^k ln 2 in double-double arithmetic.
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
        let k = (x * std::f64::consts::LOG2_E).round();
        let r = add((x, 0.0), multiply((-k, 0.0), LN_2));
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
        // from mpmath import mp, exp, mpf; mp.dps = 40; e = exp(mpf(-1)); float(e), float(e - float(e))
        let (high, low, k) = exact(-1.0);
        assert_eq!((high * 2.0_f64.powi(k)).to_bits(), 0.367_879_441_171_442_33_f64.to_bits());
        assert!((low * 2.0_f64.powi(k) - -1.242_875_367_278_836_3e-17).abs() < 1e-31);
    }

    #[test]
    fn singles_are_within_the_stated_bound_over_the_whole_range() {
        for instructions in Instructions::available() {
            // Every 499th number of the range and all about its ends and 0, of either sign.
            let bits = (0..88.0_f32.to_bits()).step_by(499).chain(87.0_f32.to_bits() - 5000..87.0_f32.to_bits());
            let x: Vec<f32> = bits.map(f32::from_bits).flat_map(|x| [-x, x]).filter(|x| *x >= -87.0).collect();
            for (&x, found) in x.iter().zip(exps(instructions, &x)) {
                let expected = f64::from(x).exp();
                let unit = f64::from(f32::from_bits((expected as f32).to_bits() + 1) - expected as f32);
                let off = (f64::from(found) - expected).abs() / unit;
                assert!(off <= 1.5, "e^{x} is {found} on {instructions}, off by {off} units");
            }
        }
    }

    #[test]
    fn doubles_are_within_the_stated_bound_over_the_whole_range() {
        for instructions in Instructions::available() {
            let x: Vec<f64> = (0..400_000)
                .map(|step| -708.0 + 1417.0 * f64::from(step) / 400_000.0)
                .chain((0..200).map(|power| -(2.0_f64.powi(-power))))
                .chain((0..200).map(|power| 2.0_f64.powi(-power)))
                .collect();
            for (&x, found) in x.iter().zip(exps(instructions, &x)) {
                let (high, low, k) = exact(x);
                // In units of the exact value's last place: found 2^-k - high - low, without rounding but the last.
                let scaled = found * 2.0_f64.powi(-k / 2) * 2.0_f64.powi(-k - -k / 2);
                let unit = if high >= 1.0 { f64::EPSILON } else { f64::EPSILON / 2.0 };
                let off = ((scaled - high) - low).abs() / unit;
                assert!(off <= 1.5, "e^{x} is {found} on {instructions}, off by {off} units");
            }
        }
    }

    #[test]
    fn below_the_range_it_goes_to_zero() {
        for instructions in Instructions::available() {
            let x: Vec<f32> = (0..2000).map(|step| -87.0 - step as f32 * 0.01).chain([-1e30, f32::MIN]).collect();
            for (&x, found) in x.iter().zip(exps(instructions, &x)) {
                assert!((0.0..=1.7e-38).contains(&found), "e^{x} is {found} on {instructions}");
            }
            let x: Vec<f64> = (0..2000).map(|step| -708.0 - step as f64 * 0.01).chain([-1e300, f64::MIN]).collect();
            for (&x, found) in x.iter().zip(exps(instructions, &x)) {
                assert!((0.0..=4e-308).contains(&found), "e^{x} is {found} on {instructions}");
            }
            assert_eq!(exps(instructions, &[f32::NEG_INFINITY, -1e30, -0.0, 0.0]), [0.0, 0.0, 1.0, 1.0]);
            assert_eq!(exps(instructions, &[f64::NEG_INFINITY, -1e300, -0.0, 0.0]), [0.0, 0.0, 1.0, 1.0]);
        }
    }
}
