//! The calibration gap that a perfectly calibrated model shows by chance, from counts and moments instead of the
//! confidences themselves.

use std::f64::consts::{FRAC_2_PI, LN_2};

use statrs::function::gamma::ln_gamma;

/// Above this variance the normal approximation is within 0.001 %.
const NORMAL_VARIANCE: f64 = 1e4;

/// About `E|sum_i (Bernoulli(p_i) - p_i)|` for `count` probabilities with the sum `sum` and the sum of squares
/// `squares`; 0 for none.
///
/// That of the binomial distribution with the same mean and variance, `p = squares / sum` and `n = sum / p` (a real
/// number), by De Moivre's formula `2 m C(n, m) p^m (1 - p)^(n - m + 1)` with `m = floor(n p) + 1`. It is exact for
/// equal probabilities, and in the limits of Poisson's and the normal distribution. Within a bin of a fifteenth the
/// probabilities differ so little that it is within 1 %.
pub(crate) fn expected_deviation(count: u64, sum: f64, squares: f64) -> f64 {
    if count == 0 || sum <= 0.0 {
        return 0.0;
    }
    // By the Cauchy-Schwarz inequality at most the count; squares that underflow leave the count.
    let n = (sum * sum / squares).min(count as f64);
    let p = sum / n;
    let variance = sum * (1.0 - p);
    if variance <= 0.0 {
        return 0.0;
    }
    if variance > NORMAL_VARIANCE {
        return (FRAC_2_PI * variance).sqrt();
    }
    let m = sum.floor() + 1.0;
    let choices = ln_gamma(n + 1.0) - ln_gamma(m + 1.0) - ln_gamma(n - m + 1.0);
    (LN_2 + m.ln() + choices + m * p.ln() + (n - m + 1.0) * (-p).ln_1p()).exp()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calibrated_reference;

    fn of(probabilities: &[f64]) -> f64 {
        let squares = probabilities.iter().map(|p| p * p).sum();
        expected_deviation(probabilities.len() as u64, probabilities.iter().sum(), squares)
    }

    fn within(probabilities: &[f64], tolerance: f64) {
        let (value, expected) = (of(probabilities), calibrated_reference::expected_deviation(probabilities));
        assert!((value - expected).abs() <= tolerance * expected, "{value} is not {expected}");
    }

    #[test]
    fn equal_probabilities_are_exact() {
        for p in [1e-25, 1e-9, 0.01, 0.3, 0.5] {
            for n in [1, 2, 3, 10, 100, 390] {
                within(&vec![p; n], 1e-9);
            }
        }
    }

    #[test]
    fn a_bin_of_a_fifteenth_is_within_one_per_cent() {
        for bin in 0..8 {
            for n in [1, 2, 3, 5, 17, 100, 1000, 20_000] {
                let probabilities: Vec<f64> =
                    (0..n).map(|i| (f64::from(bin) + (f64::from(i) + 0.5) / f64::from(n)) / 15.0).collect();
                within(&probabilities, 0.01);
            }
        }
    }

    #[test]
    fn the_lowest_bin_may_hold_mostly_nothing() {
        for large in [1, 2, 5, 40] {
            for small in [0.0, 1e-12, 1e-5, 1e-3] {
                let probabilities: Vec<f64> = (0..5000).map(|i| if i < large { 0.06 } else { small }).collect();
                within(&probabilities, 0.02);
            }
        }
    }

    #[test]
    fn certain_outcomes_do_not_deviate() {
        assert_eq!(expected_deviation(0, 0.0, 0.0), 0.0);
        assert_eq!(of(&[0.0; 5]), 0.0);
        assert_eq!(of(&[1.0; 5]), 0.0);
        assert!((of(&[1e-200; 5]) / 1e-199 - 1.0).abs() < 1e-9, "2 n p");
    }
}
