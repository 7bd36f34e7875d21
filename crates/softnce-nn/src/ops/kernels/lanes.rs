//! Plain loops that the compiler turns into the widest vector instructions of the machine.
//!
//! [`vectorised`] compiles its closure once for each instruction set. The functions here are branch-free and inlined
//! into it. Sums run in a fixed number of lanes, and a multiplication with an addition is always rounded once, so that
//! the result depends neither on the instruction set nor on the number of threads.

use std::f32::consts::LOG2_E;

/// Number of partial sums of a reduction: two of the widest vectors, so that additions overlap.
const LANES: usize = 32;

/// The work, compiled for the widest vectors that the machine has.
///
/// Mark the closure, and each one inside it, `#[inline(always)]`: what is not inlined keeps the oldest instructions.
#[inline(always)]
pub(crate) fn vectorised<R>(work: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(work)
}

/// `2^x` for `x <= 127`, to 1.5 units in the last place; 0 to within 2^-126 below -126.
///
/// `x = k + r` with k whole and `|r| <= 1/2`; `2^r` is the polynomial of least largest relative error (1.6e-8), the one
/// of the core crate's kernels.
#[inline(always)]
fn exp2(x: f32) -> f32 {
    // Adding it rounds to an integer and leaves that integer in the low bits.
    const ROUND: f32 = (3 << 22) as f32;
    let x = if x < -126.0 { -126.0 } else { x };
    let rounded = x + ROUND;
    let r = x - (rounded - ROUND);
    let mut p = 0.000_153_533_18_f32;
    for coefficient in [0.001_339_892_6, 0.009_618_438, 0.055_503_324, 0.240_226_48, std::f32::consts::LN_2, 1.0] {
        p = p.mul_add(r, coefficient);
    }
    p * f32::from_bits(rounded.to_bits().wrapping_add(127) << 23)
}

/// `e^x` for `x <= 0`, below 1e-38 for `x <= -87`.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    exp2(x * LOG2_E)
}

/// Distribution function and density of the standard normal distribution, each within 4e-7.
///
/// The upper tail is `Q(a) = exp(-a^2 / 2) t q(t)` with `t = 1 / (1 + 0.2316 a)`, the form of Abramowitz and Stegun
/// 26.2.17; q is fitted to `erfcx(a / sqrt 2) / (2 t)` by Lawson's reweighted least squares on [0, 14] (relative error
/// 1.3e-7).
#[inline(always)]
pub(crate) fn normal(x: f32) -> (f32, f32) {
    const DENSITY_AT_0: f32 = 0.398_942_3;
    let (tail, bell) = normal_tail(x.abs());
    (if x > 0.0 { 1.0 - tail } else { tail }, DENSITY_AT_0 * bell)
}

/// The upper tail of the normal distribution at `a >= 0`, and `exp(-a^2 / 2)`.
#[inline(always)]
fn normal_tail(a: f32) -> (f32, f32) {
    let bell = exp2(a * a * (-0.5 * LOG2_E));
    let t = 1.0 / a.mul_add(0.2316, 1.0);
    let mut q = -0.070_490_75_f32;
    for coefficient in
        [0.248_123_16, -0.202_315_95, 0.225_784_42, 0.013_296_514, 0.102_702_84, 0.090_393_715, 0.092_506_12]
    {
        q = q.mul_add(t, coefficient);
    }
    (bell * t * q, bell)
}

/// The exact GELU, `x Phi(x)`, within 1e-6 max(1, |x|).
#[inline(always)]
pub(crate) fn gelu(x: f32) -> f32 {
    let a = bounded(x.abs());
    // x Phi(x) = max(x, 0) - |x| Q(|x|) on either side of 0.
    let above = if x > 0.0 { x } else { 0.0 };
    (-a).mul_add(normal_tail(a).0, above)
}

/// The derivative of the exact GELU, `Phi(x) + x phi(x)`.
#[inline(always)]
pub(crate) fn gelu_slope(x: f32) -> f32 {
    let (below, density) = normal(bounded(x));
    bounded(x).mul_add(density, below)
}

/// At most 1e4 either way, where tails are 0 already and squares finite; NaN stays.
#[inline(always)]
fn bounded(x: f32) -> f32 {
    let x = if x > 1e4 { 1e4 } else { x };
    if x < -1e4 { -1e4 } else { x }
}

/// Sum of the lanes, by halves.
#[inline(always)]
fn fold(mut lanes: [f32; LANES]) -> f32 {
    let mut half = LANES / 2;
    while half > 0 {
        for lane in 0..half {
            lanes[lane] += lanes[lane + half];
        }
        half /= 2;
    }
    lanes[0]
}

/// Sum of `term` over the values.
#[inline(always)]
pub(crate) fn sum(values: &[f32], term: impl Fn(f32) -> f32) -> f32 {
    let (chunks, rest) = values.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for chunk in chunks {
        for lane in 0..LANES {
            sums[lane] += term(chunk[lane]);
        }
    }
    for (sum, &value) in sums.iter_mut().zip(rest) {
        *sum += term(value);
    }
    fold(sums)
}

/// Sums of both of `terms` over pairs of values.
#[inline(always)]
pub(crate) fn sums(a: &[f32], b: &[f32], terms: impl Fn(f32, f32) -> (f32, f32)) -> (f32, f32) {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let (mut firsts, mut seconds) = ([0.0; LANES], [0.0; LANES]);
    for (a, b) in a.iter().zip(b) {
        for lane in 0..LANES {
            let (first, second) = terms(a[lane], b[lane]);
            firsts[lane] += first;
            seconds[lane] += second;
        }
    }
    for (lane, (&a, &b)) in a_rest.iter().zip(b_rest).enumerate() {
        let (first, second) = terms(a, b);
        firsts[lane] += first;
        seconds[lane] += second;
    }
    (fold(firsts), fold(seconds))
}

/// The largest value; NaN is passed over.
#[inline(always)]
pub(crate) fn largest(values: &[f32]) -> f32 {
    let (chunks, rest) = values.as_chunks::<LANES>();
    let mut most = [f32::NEG_INFINITY; LANES];
    for chunk in chunks {
        for lane in 0..LANES {
            most[lane] = if chunk[lane] > most[lane] { chunk[lane] } else { most[lane] };
        }
    }
    let most = most.into_iter().chain(rest.iter().copied());
    most.fold(f32::NEG_INFINITY, |most, value| if value > most { value } else { most })
}

/// `sums += values`
#[inline(always)]
pub(crate) fn add_to(sums: &mut [f32], values: &[f32]) {
    for (sum, &value) in sums.iter_mut().zip(values) {
        *sum += value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every value of a fine grid over [-limit, limit], and its neighbourhood of 0.
    fn grid(limit: f64) -> impl Iterator<Item = f32> {
        let even = (-200_000..=200_000).map(move |step| (limit * f64::from(step) / 200_000.0) as f32);
        even.chain((0..120).flat_map(|power| [2.0_f32.powi(-power), -(2.0_f32.powi(-power))]))
    }

    fn over(values: &[f32], function: impl Fn(f32) -> f32) -> Vec<f32> {
        vectorised(
            #[inline(always)]
            || {
                let mut out = vec![0.0; values.len()];
                for (out, &value) in out.iter_mut().zip(values) {
                    *out = function(value);
                }
                out
            },
        )
    }

    /// `erfc(z)` in f64 for any z: the series of erf near 0, Lentz's continued fraction beyond.
    fn erfc(z: f64) -> f64 {
        if z < 0.0 {
            return 2.0 - erfc(-z);
        }
        if z < 2.5 {
            let (mut term, mut sum) = (z, z);
            for n in 1..200 {
                let n = f64::from(n);
                term *= -z * z / n;
                sum += term / (2.0 * n + 1.0);
            }
            return 1.0 - sum * std::f64::consts::FRAC_2_SQRT_PI;
        }
        // erfc(z) = exp(-z^2) / sqrt(pi) / (z + 1/2 / (z + 1 / (z + 3/2 / (z + ...))))
        let mut below = z;
        for k in (1..400).rev() {
            below = z + f64::from(k) / 2.0 / below;
        }
        (-z * z).exp() / std::f64::consts::PI.sqrt() / below
    }

    #[test]
    fn the_reference_is_right() {
        // import math; math.erfc(0.5), math.erfc(3.0), math.erfc(-1.25)
        for (z, expected) in
            [(0.5, 0.479_500_122_186_953_5), (3.0, 2.209_049_699_858_544e-5), (-1.25, 1.922_900_128_256_458_2)]
        {
            assert!((erfc(z) - expected).abs() < 1e-12 * expected, "erfc({z}) = {}", erfc(z));
        }
    }

    #[test]
    fn exp_is_within_a_few_units_of_f64() {
        let x: Vec<f32> = grid(87.0).filter(|x| *x <= 0.0).collect();
        for (&x, found) in x.iter().zip(over(&x, exp)) {
            let expected = f64::from(x).exp();
            let bound = 2e-7 * (1.0 + f64::from(x).abs() / 2.0);
            assert!((f64::from(found) / expected - 1.0).abs() < bound, "exp({x}) = {found}, not {expected}");
        }
        assert!(over(&[f32::NEG_INFINITY, -1e30, -200.0], exp).iter().all(|&y| (0.0..2e-38).contains(&y)));
        assert!(over(&[f32::NAN], exp)[0].is_nan());
    }

    #[test]
    fn gelu_and_its_slope_are_within_the_stated_bound_of_f64() {
        let x: Vec<f32> = grid(30.0).chain(grid(6.0)).collect();
        let (values, slopes) = (over(&x, gelu), over(&x, gelu_slope));
        for ((&x, value), slope) in x.iter().zip(values).zip(slopes) {
            let z = f64::from(x);
            let below = 0.5 * erfc(-z / std::f64::consts::SQRT_2);
            let density = (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
            let bound = 1e-6 * z.abs().max(1.0);
            assert!((f64::from(value) - z * below).abs() < bound, "gelu({x}) = {value}, not {}", z * below);
            let expected = below + z * density;
            assert!((f64::from(slope) - expected).abs() < bound, "gelu'({x}) = {slope}, not {expected}");
        }
    }

    #[test]
    fn gelu_goes_to_its_limits_and_keeps_nan() {
        assert_eq!(over(&[f32::INFINITY, 1e30, 30.0], gelu), [f32::INFINITY, 1e30, 30.0]);
        assert!(over(&[f32::NEG_INFINITY, -1e30, -30.0], gelu).iter().all(|y| y.abs() < 1e-30));
        assert_eq!(over(&[f32::INFINITY, 30.0, f32::NEG_INFINITY, 0.0], gelu_slope)[..2], [1.0, 1.0]);
        assert!(over(&[f32::NEG_INFINITY, -30.0], gelu_slope).iter().all(|y| y.abs() < 1e-30));
        assert!(over(&[f32::NAN], gelu)[0].is_nan() && over(&[f32::NAN], gelu_slope)[0].is_nan());
    }

    #[test]
    fn reductions_take_every_value_once() {
        for len in [0, 1, 31, 32, 33, 64, 95] {
            let values: Vec<f32> = (0..len).map(|n| n as f32).collect();
            let expected = (0..len).sum::<usize>() as f32;
            assert_eq!(sum(&values, |x| x), expected);
            assert_eq!(sums(&values, &values, |a, b| (a + b, a - b + 1.0)), (2.0 * expected, len as f32));
            assert_eq!(largest(&values), if len == 0 { f32::NEG_INFINITY } else { len as f32 - 1.0 });
        }
    }
}
