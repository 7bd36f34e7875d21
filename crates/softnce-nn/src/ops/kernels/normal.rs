//! The normal distribution and the GELU, one value at a time.
//!
//! The functions have no branches and are inlined into loops that the compiler vectorises.

use std::f32::consts::LOG2_E;

use softnce_kernels::simd::exp2;

/// Distribution function and density of the standard normal distribution, each within 4e-7.
///
/// The upper tail is `Q(a) = exp(-a^2 / 2) t q(t)` with `t = 1 / (1 + 0.2316 a)` (Abramowitz and Stegun, 26.2.17). The
/// polynomial q is fitted to `erfcx(a / sqrt 2) / (2 t)` by Lawson's reweighted least squares on [0, 14] (relative error
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
    // x Phi(x) = max(x, 0) - |x| Q(|x|) for either sign of x.
    let above = if x > 0.0 { x } else { 0.0 };
    (-a).mul_add(normal_tail(a).0, above)
}

/// The derivative of the exact GELU, `Phi(x) + x phi(x)`.
#[inline(always)]
pub(crate) fn gelu_slope(x: f32) -> f32 {
    let (below, density) = normal(bounded(x));
    bounded(x).mul_add(density, below)
}

/// `x` cut to [-1e4, 1e4]: beyond it the tails are 0, within it squares are finite. NaN stays NaN.
#[inline(always)]
fn bounded(x: f32) -> f32 {
    let x = if x > 1e4 { 1e4 } else { x };
    if x < -1e4 { -1e4 } else { x }
}

#[cfg(test)]
mod tests {
    use softnce_kernels::simd::vectorised;

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
}
