//! Exact draws.

use rand::{Rng, RngExt};

/// Draws w from the density proportional to `exp(parameter . w)` on the simplex.
///
/// All coordinates but that of the largest parameter are independent exponentials cut to [0, 1], accepted where they sum
/// to at most 1 (Gordon-Rodriguez, Loaiza-Ganem and Cunningham, 2020, section 5): with the largest left out none of
/// them rises, so that at least one try in (d - 1)! is accepted.
pub(crate) fn sample(parameter: &[f64], draws: &mut impl Rng) -> Vec<f64> {
    let Some((rest, &most)) = parameter.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)) else {
        return Vec::new();
    };
    let mut w = vec![0.0; parameter.len()];
    loop {
        let mut left = 1.0;
        for (class, value) in parameter.iter().enumerate().filter(|(class, _)| *class != rest) {
            w[class] = truncated(value - most, draws.random());
            left -= w[class];
        }
        if left >= 0.0 {
            w[rest] = left;
            return w;
        }
    }
}

/// The quantile of the density proportional to `exp(rate w)` on [0, 1], for `rate <= 0`.
fn truncated(rate: f64, uniform: f64) -> f64 {
    // Below it the quantile is the uniform number itself, to the last place.
    if rate > -1e-16 { uniform } else { (uniform * rate.exp_m1()).ln_1p() / rate }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::super::{mean, mode, second_moments};
    use super::*;

    /// Averages over draws agree with the closed forms within five standard errors.
    #[test]
    fn draws_have_the_moments_of_the_density() {
        const DRAWS: usize = 40_000;
        let mut draws = chacha20::ChaCha8Rng::seed_from_u64(1);
        for parameter in [vec![2.0, 0.0], vec![-6.0, 0.0], vec![0.0, 0.0, 0.0], vec![3.0, -2.0, 0.5]] {
            let size = parameter.len();
            let (mut sums, mut squares, mut firsts) = (vec![0.0; size], vec![0.0; size], vec![0.0; size]);
            for _ in 0..DRAWS {
                let w = sample(&parameter, &mut draws);
                assert!((w.iter().sum::<f64>() - 1.0).abs() < 1e-12 && w.iter().all(|&w| w >= 0.0), "{w:?}");
                let first = (0..size).max_by(|&a, &b| w[a].total_cmp(&w[b])).unwrap();
                firsts[first] += 1.0;
                for class in 0..size {
                    sums[class] += w[class];
                    squares[class] += w[class] * w[class];
                }
            }
            let (mean, second, mode) = (mean(&parameter), second_moments(&parameter), mode(&parameter));
            let near = |sum: f64, expected: f64| {
                // No value is above 1, so that no variance is above 1/4.
                let error = (sum / DRAWS as f64 - expected).abs();
                assert!(error < 5.0 * 0.5 / (DRAWS as f64).sqrt(), "{sum} of {DRAWS} is not {expected}");
            };
            for class in 0..size {
                near(sums[class], mean[class]);
                near(squares[class], second[class * size + class]);
                near(firsts[class], mode[class]);
            }
        }
    }

    #[test]
    fn quantiles_meet_the_ends() {
        for rate in [-10.0, -3.0, -1e-12, 0.0] {
            assert_eq!(truncated(rate, 0.0), 0.0);
            assert!((truncated(rate, 1.0) - 1.0).abs() < 1e-12, "{rate}");
        }
    }
}
