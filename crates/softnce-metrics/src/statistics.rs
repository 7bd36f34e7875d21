//! Statistics over the seeds of a comparison: means with confidence intervals, paired differences, equivalence,
//! medians. And the interval of a share.

use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, StudentsT};
use thiserror::Error;

/// Probability that an interval of [`mean_interval`] covers the true mean.
pub const CONFIDENCE_LEVEL: f64 = 0.95;

/// Input without a statistic: which argument, what came, what was expected.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum StatsError {
    /// There are no values.
    #[error("{argument}: empty, expected at least one value")]
    Empty {
        /// Name of the argument.
        argument: &'static str,
    },
    /// The two sides of a paired difference disagree in length.
    #[error("b: length {length}, expected {expected}, one value per value of a")]
    LengthMismatch {
        /// Length of `b`.
        length: usize,
        /// Length of `a`.
        expected: usize,
    },
    /// A value is NaN or infinite.
    #[error("{argument}[{index}]: {value}, expected a finite number")]
    NonFinite {
        /// Name of the argument.
        argument: &'static str,
        /// Index of the value.
        index: usize,
        /// The value.
        value: f64,
    },
    /// Too few values for the statistic.
    #[error("{argument}: {length} values, expected at least {expected}")]
    TooFew {
        /// Name of the argument.
        argument: &'static str,
        /// Number of values.
        length: usize,
        /// Number of values needed.
        expected: usize,
    },
    /// A margin that is none.
    #[error("margin: {value}, expected a finite number above 0")]
    Margin {
        /// The margin.
        value: f64,
    },
    /// Finite values whose statistic is not.
    #[error("{argument}: values too large, expected ones whose mean and deviation are within the range of f64")]
    Overflow {
        /// Name of the argument.
        argument: &'static str,
    },
}

/// A mean over seeds with the half width of its 95 % confidence interval (Student's t).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// Mean over the seeds.
    pub mean: f64,
    /// Half width of the 95 % interval; `None` with fewer than two seeds.
    pub half_width: Option<f64>,
}

impl Estimate {
    /// The same in another unit, `factor` of which are one of this.
    pub fn scaled(self, factor: f64) -> Self {
        Estimate { mean: self.mean * factor, half_width: self.half_width.map(|half| half * factor) }
    }

    /// The half width where it can be used: finite, and around a finite mean.
    pub fn finite_half_width(self) -> Option<f64> {
        self.half_width.filter(|half| half.is_finite() && self.mean.is_finite())
    }

    /// The ends of the interval, lower and upper, where it can be used.
    pub fn interval(self) -> Option<[f64; 2]> {
        self.finite_half_width().map(|half| [self.mean - half, self.mean + half])
    }

    /// The ends of the interval, or the mean twice where it cannot be used, finite or not.
    pub fn span(self) -> [f64; 2] {
        self.interval().unwrap_or([self.mean; 2])
    }

    /// Whether there is an interval, and 0 lies outside.
    pub fn excludes_zero(self) -> bool {
        self.finite_half_width().is_some_and(|half| self.mean.abs() > half)
    }
}

/// Mean of `values` with the half width of its 95 % confidence interval by Student's t,
/// `t_(0.975, n-1) s / sqrt(n)` with the sample standard deviation `s` (divisor `n - 1`).
///
/// One value has a mean but no interval.
///
/// # Errors
///
/// [`StatsError`] if there is no value, one is not finite, or they are so large that mean or interval is not.
pub fn mean_interval(values: &[f64]) -> Result<Estimate, StatsError> {
    check("values", values)?;
    estimate("values", values)
}

/// Mean and 95 % confidence interval of the differences `a[i] - b[i]`, as [`mean_interval`] of them.
///
/// What is common to a pair, such as the seed, cancels, so that the interval is narrower than that of either side.
///
/// # Errors
///
/// [`StatsError`] if the lengths disagree, and as [`mean_interval`].
pub fn paired_difference(a: &[f64], b: &[f64]) -> Result<Estimate, StatsError> {
    if a.len() != b.len() {
        return Err(StatsError::LengthMismatch { length: b.len(), expected: a.len() });
    }
    check("a", a)?;
    check("b", b)?;
    let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
    estimate("a - b", &differences)
}

/// Whether two sides are equal within a margin: two one-sided t tests of paired differences (Schuirmann 1987).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Equivalence {
    /// Mean difference.
    pub difference: f64,
    /// Half width of its 90 % interval.
    pub half_width: f64,
    /// The margin, stated before the differences were seen.
    pub margin: f64,
    /// Probability of a mean difference as far within the margin or further, were the true one at the margin.
    pub p_value: f64,
}

impl Equivalence {
    /// Whether equivalence is shown at the level of 5 %: the 90 % interval lies within the margin.
    pub fn is_shown(&self) -> bool {
        self.p_value < 1.0 - CONFIDENCE_LEVEL
    }
}

/// Tests whether the mean of `a[i] - b[i]` lies within `margin` of 0.
///
/// # Errors
///
/// [`StatsError`] if the lengths disagree, there are fewer than two pairs, a value is not finite, or the margin is not
/// a finite number above 0.
pub fn equivalence(a: &[f64], b: &[f64], margin: f64) -> Result<Equivalence, StatsError> {
    if !(margin > 0.0 && margin.is_finite()) {
        return Err(StatsError::Margin { value: margin });
    }
    let Estimate { mean, half_width } = paired_difference(a, b)?;
    let too_few = StatsError::TooFew { argument: "a", length: a.len(), expected: 2 };
    let degrees = a.len() as f64 - 1.0;
    let (Some(half_width), Some(wide), Some(narrow), Ok(t)) = (
        half_width,
        t_quantile(degrees, CONFIDENCE_LEVEL),
        t_quantile(degrees, 2.0 * CONFIDENCE_LEVEL - 1.0),
        StudentsT::new(0.0, 1.0, degrees),
    ) else {
        return Err(too_few);
    };
    let error = half_width / wide;
    let away = margin - mean.abs();
    let p_value = match error > 0.0 {
        true => t.sf(away / error),
        false => f64::from(away <= 0.0),
    };
    Ok(Equivalence { difference: mean, half_width: narrow * error, margin, p_value })
}

/// Median of `values`: the middle one, or the mean of the two in the middle.
///
/// # Errors
///
/// [`StatsError`] if there is no value or one is not finite.
pub fn median(values: &[f64]) -> Result<f64, StatsError> {
    check("values", values)?;
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    // f64::midpoint does not overflow where the sum of both would.
    Ok(if sorted.len() % 2 == 1 { sorted[middle] } else { sorted[middle - 1].midpoint(sorted[middle]) })
}

/// Wilson's 95 % interval of a share: `[lower, upper]`, both in `[0, 1]`.
///
/// `share`: the share that was found, in `[0, 1]`, not in percent. `n`: the number of independent trials behind it,
/// which may be a fraction (a mean over seeds). Without a trial the interval is `[0, 1]`.
///
/// Source: Wilson, Probable inference, the law of succession, and statistical inference, 1927.
pub fn wilson_interval(share: f64, n: f64) -> [f64; 2] {
    if n <= 0.0 {
        return [0.0, 1.0];
    }
    // The quantile of the normal distribution at 0.975, to the digits of the tables.
    let z2 = 1.96f64.powi(2);
    let scale = 1.0 / (1.0 + z2 / n);
    let middle = scale * (share + z2 / (2.0 * n));
    let half = scale * (z2 * (share * (1.0 - share) / n + z2 / (4.0 * n * n))).sqrt();
    [(middle - half).max(0.0), (middle + half).min(1.0)]
}

/// Rejects values without a statistic.
fn check(argument: &'static str, values: &[f64]) -> Result<(), StatsError> {
    if values.is_empty() {
        return Err(StatsError::Empty { argument });
    }
    match values.iter().enumerate().find(|(_, value)| !value.is_finite()) {
        Some((index, &value)) => Err(StatsError::NonFinite { argument, index, value }),
        None => Ok(()),
    }
}

/// Mean and interval of at least one value.
fn estimate(argument: &'static str, values: &[f64]) -> Result<Estimate, StatsError> {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    if !mean.is_finite() {
        return Err(StatsError::Overflow { argument });
    }
    if values.len() < 2 {
        return Ok(Estimate { mean, half_width: None });
    }
    // Two passes: squares of values far from 0 would cancel.
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let half_width = t_quantile(n - 1.0, CONFIDENCE_LEVEL).map(|t| t * (squares / (n - 1.0) / n).sqrt());
    match half_width {
        Some(half_width) if half_width.is_finite() => Ok(Estimate { mean, half_width: Some(half_width) }),
        _ => Err(StatsError::Overflow { argument }),
    }
}

/// The two-sided quantile of Student's t at a level up to [`CONFIDENCE_LEVEL`], for at least one degree of freedom;
/// `None` for a number of degrees that is not positive.
///
/// By bisection of the distribution function: statrs 0.19's own quantile loses digits from some 100,000 degrees of
/// freedom on and never returns at 100 million.
fn t_quantile(degrees: f64, level: f64) -> Option<f64> {
    let t = StudentsT::new(0.0, 1.0, degrees).ok()?;
    let probability = f64::midpoint(1.0, level);
    // The largest quantile, that of one degree of freedom, is 12.7. Sixty halvings use up the digits of an f64.
    let (mut below, mut above) = (0.0, 13.0);
    for _ in 0..60 {
        let middle = f64::midpoint(below, above);
        if t.cdf(middle) < probability {
            below = middle;
        } else {
            above = middle;
        }
    }
    Some(f64::midpoint(below, above))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    fn close(value: f64, expected: f64) {
        assert!((value - expected).abs() <= 1e-6 * expected.abs().max(1.0), "{value} is not {expected}");
    }

    #[test]
    fn quantiles_match_the_tables() {
        // scipy.stats.t.ppf(0.975, df)
        let table = [
            (1.0, 12.706_204_736),
            (2.0, 4.302_652_730),
            (4.0, 2.776_445_105),
            (9.0, 2.262_157_163),
            (30.0, 2.042_272_456),
            (1000.0, 1.962_339_081),
            (1e6, 1.959_966_357),
        ];
        for (degrees, expected) in table {
            close(t_quantile(degrees, CONFIDENCE_LEVEL).unwrap(), expected);
        }
        // scipy.stats.norm.ppf(0.975)
        close(t_quantile(1e9, CONFIDENCE_LEVEL).unwrap(), 1.959_963_985);
    }

    #[test]
    fn mean_and_interval_match_values_worked_by_hand() {
        // x = np.array([1., 2., 3., 4., 5.]); t.ppf(.975, 4) * x.std(ddof=1) / np.sqrt(5)
        // = 2.776445105 * sqrt(2.5 / 5)
        let estimate = mean_interval(&[1.0, 2.0, 3.0, 4.0, 5.0]).unwrap();
        assert_eq!(estimate.mean, 3.0);
        close(estimate.half_width.unwrap(), 1.963_243_161);
        // A large offset loses nothing that matters.
        let far = mean_interval(&[1e9 + 1.0, 1e9 + 2.0, 1e9 + 3.0, 1e9 + 4.0, 1e9 + 5.0]).unwrap();
        close(far.half_width.unwrap(), 1.963_243_161);
    }

    #[test]
    fn few_or_equal_values() {
        assert_eq!(mean_interval(&[0.5]).unwrap(), Estimate { mean: 0.5, half_width: None });
        assert_eq!(mean_interval(&[0.5; 4]).unwrap(), Estimate { mean: 0.5, half_width: Some(0.0) });
        // Two values: t.ppf(.975, 1) * sqrt(2) / sqrt(2)
        close(mean_interval(&[0.0, 2.0]).unwrap().half_width.unwrap(), 12.706_204_736);
    }

    #[test]
    fn pairs_cancel_what_they_share() {
        // d = np.array([3., 12., 23.]) - np.array([1., 11., 20.])  # [2, 1, 3]
        // t.ppf(.975, 2) * d.std(ddof=1) / np.sqrt(3) = 4.302652730 / sqrt(3)
        let difference = paired_difference(&[3.0, 12.0, 23.0], &[1.0, 11.0, 20.0]).unwrap();
        assert_eq!(difference.mean, 2.0);
        close(difference.half_width.unwrap(), 2.484_137_712);
    }

    #[test]
    fn equivalence_matches_two_one_sided_tests() {
        // d = np.array([0.1, -0.2, 0.15, 0.05, -0.1]); se = d.std(ddof=1) / 5 ** .5
        // d.mean(), t.ppf(.95, 4) * se, t.sf((0.5 - abs(d.mean())) / se, 4), t.sf((0.1 - abs(d.mean())) / se, 4)
        let (a, b) = ([1.1, 0.8, 2.15, 3.05, 0.9], [1.0, 1.0, 2.0, 3.0, 1.0]);
        let found = equivalence(&a, &b, 0.5).unwrap();
        close(found.difference, 0.0);
        close(found.half_width, EQUIVALENCE[0]);
        close(found.p_value, EQUIVALENCE[1]);
        assert!(found.is_shown());
        let narrow = equivalence(&a, &b, 0.1).unwrap();
        close(narrow.p_value, EQUIVALENCE[2]);
        assert!(!narrow.is_shown() && narrow.half_width > narrow.margin);
        // Equal pairs have no deviation to test with.
        assert_eq!(equivalence(&[1.0, 2.0], &[1.0, 2.0], 0.5).unwrap().p_value, 0.0);
        assert_eq!(equivalence(&[2.0, 3.0], &[1.0, 2.0], 0.5).unwrap().p_value, 1.0);
        assert_eq!(equivalence(&[1.0], &[1.0], 0.5), Err(StatsError::TooFew { argument: "a", length: 1, expected: 2 }));
        assert!(matches!(equivalence(&a, &b, f64::NAN), Err(StatsError::Margin { .. })));
        assert!(matches!(equivalence(&a, &b, 0.0), Err(StatsError::Margin { .. })));
    }

    const EQUIVALENCE: [f64; 3] = [0.138_979_407, 0.000_776_846, 0.099_914_593];

    #[test]
    fn median_of_odd_and_even_counts() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), Ok(2.0));
        assert_eq!(median(&[4.0, 1.0, 3.0, 2.0]), Ok(2.5));
        assert_eq!(median(&[7.0]), Ok(7.0));
        assert_eq!(median(&[f64::MAX, f64::MAX]), Ok(f64::MAX));
    }

    #[test]
    fn rejects_bad_input() {
        assert_eq!(mean_interval(&[]), Err(StatsError::Empty { argument: "values" }));
        assert_eq!(median(&[]), Err(StatsError::Empty { argument: "values" }));
        assert_eq!(paired_difference(&[], &[]), Err(StatsError::Empty { argument: "a" }));
        assert_eq!(paired_difference(&[1.0], &[1.0, 2.0]), Err(StatsError::LengthMismatch { length: 2, expected: 1 }));
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let message = format!("values[1]: {value}, expected a finite number");
            assert_eq!(mean_interval(&[1.0, value]).unwrap_err().to_string(), message);
            assert_eq!(median(&[1.0, value]).unwrap_err().to_string(), message);
            let error = paired_difference(&[1.0], &[value]).unwrap_err();
            assert_eq!(error.to_string(), format!("b[0]: {value}, expected a finite number"));
        }
        assert_eq!(mean_interval(&[f64::MAX, f64::MAX]), Err(StatsError::Overflow { argument: "values" }));
        assert_eq!(mean_interval(&[1e300, -1e300]), Err(StatsError::Overflow { argument: "values" }));
        assert_eq!(paired_difference(&[f64::MAX], &[-f64::MAX]), Err(StatsError::Overflow { argument: "a - b" }));
    }

    #[test]
    fn the_interval_of_a_share_stays_a_share() {
        let [low, high] = wilson_interval(1.0, 3.0);
        assert!(low > 0.3 && low < 0.5 && high == 1.0, "{low} {high}");
        let [low, high] = wilson_interval(0.5, 100.0);
        assert!((low - 0.404).abs() < 1e-3 && (high - 0.596).abs() < 1e-3, "{low} {high}");
        assert_eq!(wilson_interval(0.5, 0.0), [0.0, 1.0]);
    }

    #[test]
    fn an_interval_has_ends_where_it_is_finite() {
        let whole = Estimate { mean: 1.0, half_width: Some(0.5) };
        assert_eq!(whole.scaled(100.0), Estimate { mean: 100.0, half_width: Some(50.0) });
        assert_eq!((whole.interval(), whole.span()), (Some([0.5, 1.5]), [0.5, 1.5]));
        assert!(whole.excludes_zero() && !Estimate { mean: -0.5, half_width: Some(0.5) }.excludes_zero());
        for half_width in [None, Some(f64::NAN), Some(f64::INFINITY)] {
            let none = Estimate { mean: 1.0, half_width };
            assert_eq!((none.finite_half_width(), none.interval(), none.span()), (None, None, [1.0, 1.0]));
            assert!(!none.excludes_zero());
        }
        let endless = Estimate { mean: f64::INFINITY, half_width: Some(1.0) };
        assert_eq!((endless.interval(), endless.span(), endless.excludes_zero()), (None, [f64::INFINITY; 2], false));
    }
}
