//! The calibration gap that a perfectly calibrated model shows by chance.
//!
//! If a model is perfectly calibrated, the number `K` of right predictions in a bin is a sum of independent
//! Bernoulli(c_i), Poisson-binomial distributed. Its mean absolute deviation `E|K - sum c_i|`, summed over the bins
//! and divided by the number of examples, is the ECE to expect from such a model.

use std::f64::consts::FRAC_2_PI;

/// Bins up to this size are always computed exactly: at most 400^2 / 2 multiplications, whatever the confidences.
const EXACT_SIZE: usize = 400;

/// Larger bins are computed exactly too while the standard deviation of `K` is at most this, as it is where most
/// confidences are near 0 or 1: few values of `K` are then possible. Above it the normal approximation is
/// within 0.1 %.
const EXACT_DEVIATION: f64 = 10.0;

/// Probabilities below this are cut off the ends of the distribution; even a million cuts do not show in an `f64`.
const NEGLIGIBLE: f64 = 1e-30;

/// `E|sum_i (Bernoulli(c_i) - c_i)|` for confidences `c_i` in `[0, 1]`; 0 for none.
pub(crate) fn expected_deviation(confidences: &[f64]) -> f64 {
    let variance = confidences.iter().fold(0.0, |sum, c| sum + c * (1.0 - c));
    if confidences.len() <= EXACT_SIZE || variance <= EXACT_DEVIATION.powi(2) {
        exact(confidences)
    } else {
        normal(variance)
    }
}

/// The mean absolute deviation of a normal variable, `sqrt(2 variance / pi)`.
fn normal(variance: f64) -> f64 {
    (FRAC_2_PI * variance).sqrt()
}

/// The mean absolute deviation of the Poisson-binomial distribution, built up one Bernoulli variable at a time.
///
/// Only the part of the support with probabilities above [`NEGLIGIBLE`] is kept, some 25 standard deviations wide.
fn exact(confidences: &[f64]) -> f64 {
    // probabilities[k] = P(K = offset + k)
    let mut probabilities = std::collections::VecDeque::from([1.0]);
    let mut offset = 0_usize;
    let mut mean = 0.0;
    for &c in confidences {
        mean += c;
        let mut from_below = 0.0;
        for probability in &mut probabilities {
            let here = *probability;
            *probability = here * (1.0 - c) + from_below;
            from_below = here * c;
        }
        probabilities.push_back(from_below);
        while probabilities.back().is_some_and(|&probability| probability < NEGLIGIBLE) {
            probabilities.pop_back();
        }
        while probabilities.front().is_some_and(|&probability| probability < NEGLIGIBLE) {
            probabilities.pop_front();
            offset += 1;
        }
    }
    probabilities
        .iter()
        .enumerate()
        .fold(0.0, |sum, (k, probability)| sum + probability * ((offset + k) as f64 - mean).abs())
}

#[cfg(test)]
mod tests {
    use chacha20::ChaCha8Rng;
    use rand::{RngExt, SeedableRng};

    use super::*;

    fn within(value: f64, expected: f64, tolerance: f64) {
        assert!((value - expected).abs() <= tolerance * expected.abs(), "{value} is not {expected}");
    }

    fn spread(from: f64, to: f64, n: usize) -> Vec<f64> {
        (0..n).map(|i| from + (to - from) * (i as f64 + 0.5) / n as f64).collect()
    }

    /// Mean of `|K - mean|` over drawn outcomes.
    fn monte_carlo(confidences: &[f64], draws: usize, seed: u64) -> f64 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mean: f64 = confidences.iter().sum();
        let total: f64 = (0..draws)
            .map(|_| {
                let right = confidences.iter().filter(|&&c| rng.random::<f64>() < c).count();
                (right as f64 - mean).abs()
            })
            .sum();
        total / draws as f64
    }

    #[test]
    fn matches_values_worked_by_hand() {
        assert_eq!(expected_deviation(&[]), 0.0);
        // E|Bernoulli(c) - c| = 2 c (1 - c)
        within(expected_deviation(&[0.3]), 0.42, 1e-15);
        // K = 0, 1, 2 with 1/4, 1/2, 1/4, mean 1
        within(expected_deviation(&[0.5, 0.5]), 0.5, 1e-15);
        // p = np.convolve(np.convolve([.1, .9], [.2, .8]), [.7, .3]); (p * abs(np.arange(4) - 2)).sum()
        // p = [.014, .188, .582, .216], mean 2
        within(expected_deviation(&[0.9, 0.8, 0.3]), 0.432, 1e-14);
    }

    #[test]
    fn certain_predictions_do_not_deviate() {
        assert_eq!(expected_deviation(&[0.0; 50]), 0.0);
        assert_eq!(expected_deviation(&[1.0; 5000]), 0.0);
        let mixed: Vec<f64> = [vec![0.0; 700], vec![1.0; 700]].concat();
        assert_eq!(expected_deviation(&mixed), 0.0);
    }

    #[test]
    fn matches_the_closed_form_of_the_binomial() {
        // De Moivre: E|K - n/2| = n comb(n, n/2) / 2^(n+1) for even n. n = 400:
        // float(Fraction(400 * math.comb(400, 200), 2**401))
        within(exact(&[0.5; 400]), 7.973_860_392_758_586, 1e-12);
        // n = 100_000, c = 1e-5: K is nearly Poisson(1), whose mean absolute deviation is 2 / e.
        within(expected_deviation(&vec![1e-5; 100_000]), 2.0 / std::f64::consts::E, 1e-5);
        // The same seen from the other end.
        within(expected_deviation(&vec![1.0 - 1e-5; 100_000]), 2.0 / std::f64::consts::E, 1e-5);
    }

    #[test]
    fn normal_and_exact_agree_where_they_meet() {
        for confidences in [spread(0.0, 1.0, 640), spread(0.5, 1.0, 640), vec![0.9; 1200], vec![0.98; 5200]] {
            let variance: f64 = confidences.iter().map(|c| c * (1.0 - c)).sum();
            assert!(variance > EXACT_DEVIATION.powi(2) && variance < 1.1 * EXACT_DEVIATION.powi(2), "{variance}");
            within(normal(variance), exact(&confidences), 1e-3);
            assert_eq!(expected_deviation(&confidences), normal(variance));
        }
    }

    #[test]
    fn both_agree_with_drawn_outcomes() {
        // The standard error of the mean of |K - mean| is about 0.75 / sqrt(draws) of it: 0.5 % and 1.2 %.
        for (seed, confidences) in [spread(0.0, 1.0, 7), spread(0.9, 1.0, 100)].iter().enumerate() {
            within(monte_carlo(confidences, 20_000, seed as u64), exact(confidences), 0.02);
        }
        let large = spread(0.0, 1.0, 700);
        within(monte_carlo(&large, 4_000, 9), expected_deviation(&large), 0.04);
    }
}
