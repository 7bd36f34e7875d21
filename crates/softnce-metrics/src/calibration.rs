//! Calibration: does a confidence of 0.8 mean that 80 % of such predictions are right?
//!
//! The expected calibration error (ECE; Naeini et al. 2015, "Obtaining Well Calibrated Probabilities Using Bayesian
//! Binning"; Guo et al. 2017, "On Calibration of Modern Neural Networks", equation 3) groups predictions into bins by
//! confidence and averages the gap between accuracy and mean confidence:
//!
//! ```text
//! ECE = sum over bins b of (n_b / n) |accuracy_b - mean confidence_b|
//! ```
//!
//! With finitely many examples it is above 0 for a perfectly calibrated model too: the fewer examples and the more bins
//! there are, the larger it is. Each value therefore comes with the one to expect from such a model.

use serde::{Deserialize, Serialize};

use crate::binning::{self, Group, MAX_BINS};
use crate::calibrated_reference::expected_deviation;
use crate::error::MetricError;

/// An expected calibration error and the value to compare it with.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CalibrationError {
    /// The expected calibration error, in `[0, 1]`.
    pub error: f64,
    /// The mean ECE of a perfectly calibrated model with the same confidences and bins, in `[0, 1]`:
    /// `1/n sum over bins of E|sum over i in the bin of (Bernoulli(c_i) - c_i)|`. An error at or below it is no
    /// evidence of miscalibration.
    pub calibrated_reference: f64,
}

/// One bin of a reliability diagram.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ReliabilityBin {
    /// Lower edge: excluded in bins of equal width, save for the confidence 0 in the first; in bins of equal mass the
    /// smallest confidence in the bin.
    pub lower: f64,
    /// Upper edge, included; in bins of equal mass the largest confidence in the bin.
    pub upper: f64,
    /// Number of examples in the bin.
    pub count: usize,
    /// Mean confidence of the bin, in `[0, 1]`; 0 where the bin is empty.
    pub mean_confidence: f64,
    /// Share of the bin's examples predicted right, in `[0, 1]`; 0 where the bin is empty.
    pub accuracy: f64,
}

/// The bins of one data set and the error over them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// The bins, in rising order of confidence.
    pub bins: Vec<ReliabilityBin>,
    /// The expected calibration error over these bins and its reference.
    pub error: CalibrationError,
}

/// Calibration over `bins` bins of equal width.
///
/// Bin `b` holds the confidences in `(b / bins, (b + 1) / bins]`; 0 belongs to the first bin. `confidences` in
/// `[0, 1]` and `correct` have one entry per example. Empty bins are kept.
///
/// # Errors
///
/// [`MetricError`] if there are no examples, the lengths disagree, a confidence is not in `[0, 1]`, or `bins` is not
/// in `1..=`[`MAX_BINS`].
pub fn equal_width(confidences: &[f64], correct: &[bool], bins: usize) -> Result<Calibration, MetricError> {
    check(confidences, correct, bins)?;
    Ok(summarise(&binning::equal_width(confidences, bins), confidences, correct))
}

/// Calibration over at most `bins` bins that hold about equally many examples.
///
/// Equal confidences always stay together: with the `n` confidences sorted, a run of `m` equal ones that starts at
/// rank `r` (from 0) goes as a whole to bin `floor(bins (r + m/2) / n)`, the one its middle falls in. The bins so
/// depend on the confidences alone, never on their order. Bins left empty by long runs, or by `n < bins`, are dropped.
///
/// # Errors
///
/// As [`equal_width`].
pub fn equal_mass(confidences: &[f64], correct: &[bool], bins: usize) -> Result<Calibration, MetricError> {
    check(confidences, correct, bins)?;
    Ok(summarise(&binning::equal_mass(confidences, bins), confidences, correct))
}

/// The expected calibration error over the given bins: the mean gap between accuracy and confidence, weighted by the
/// number of examples; 0 where all bins are empty.
pub fn expected_calibration_error(bins: &[ReliabilityBin]) -> f64 {
    let examples: f64 = bins.iter().map(|bin| bin.count as f64).sum();
    if examples == 0.0 {
        return 0.0;
    }
    bins.iter().fold(0.0, |sum, bin| sum + bin.count as f64 / examples * (bin.accuracy - bin.mean_confidence).abs())
}

/// Rejects input without a calibration error.
fn check(confidences: &[f64], correct: &[bool], bins: usize) -> Result<(), MetricError> {
    check_bins(bins)?;
    if confidences.is_empty() {
        return Err(MetricError::Empty { argument: "confidences", expected: "example" });
    }
    if correct.len() != confidences.len() {
        return Err(MetricError::ShapeMismatch {
            argument: "correct",
            length: correct.len(),
            expected: confidences.len(),
            per: "confidence",
        });
    }
    match confidences.iter().enumerate().find(|(_, confidence)| !(0.0..=1.0).contains(*confidence)) {
        Some((row, &value)) => Err(MetricError::Confidence { row, value }),
        None => Ok(()),
    }
}

/// Rejects a number of bins that is 0 or above [`MAX_BINS`].
pub(crate) fn check_bins(bins: usize) -> Result<(), MetricError> {
    if (1..=MAX_BINS).contains(&bins) { Ok(()) } else { Err(MetricError::Bins { value: bins }) }
}

/// Bins, error and reference of grouped examples.
fn summarise(groups: &[Group], confidences: &[f64], correct: &[bool]) -> Calibration {
    let mut bins = Vec::with_capacity(groups.len());
    let mut deviation = 0.0;
    for group in groups {
        // Rising confidences: the sums do not depend on the order of the examples, not even in the last digit.
        let members: Vec<f64> = group.members.iter().map(|&row| confidences[row]).collect();
        let count = members.len();
        let right = group.members.iter().filter(|&&row| correct[row]).count();
        let share = |total: f64| if count == 0 { 0.0 } else { total / count as f64 };
        bins.push(ReliabilityBin {
            lower: group.lower,
            upper: group.upper,
            count,
            mean_confidence: share(members.iter().fold(0.0, |sum, confidence| sum + confidence)),
            accuracy: share(right as f64),
        });
        deviation += expected_deviation(&members);
    }
    let error = expected_calibration_error(&bins);
    Calibration { bins, error: CalibrationError { error, calibrated_reference: deviation / confidences.len() as f64 } }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    fn close(value: f64, expected: f64) {
        assert!((value - expected).abs() < 1e-12, "{value} is not {expected}");
    }

    /// `n` confidences spread uniformly over `(from, to)`: `from + (to - from) * (np.arange(n) + .5) / n`.
    fn spread(from: f64, to: f64, n: usize) -> Vec<f64> {
        (0..n).map(|i| from + (to - from) * (i as f64 + 0.5) / n as f64).collect()
    }

    #[test]
    fn equal_width_matches_values_worked_by_hand() {
        // c = np.array([.05, .15, .15, .95, .85, .9]); y = np.array([0, 0, 1, 1, 1, 0])
        // b = np.maximum(np.ceil(c * 10) - 1, 0).astype(int)  # [0, 1, 1, 9, 8, 8]
        // sum(abs((y - c)[b == k].sum()) for k in range(10)) / 6 = (.05 + .7 + .05 + .75) / 6
        let confidences = [0.05, 0.15, 0.15, 0.95, 0.85, 0.9];
        let correct = [false, false, true, true, true, false];
        let result = equal_width(&confidences, &correct, 10).unwrap();
        close(result.error.error, 1.55 / 6.0);
        assert_eq!(result.bins.len(), 10);
        assert_eq!(result.bins.iter().map(|bin| bin.count).collect::<Vec<_>>(), [1, 2, 0, 0, 0, 0, 0, 0, 2, 1]);
        close(result.bins[8].mean_confidence, 0.875);
        close(result.bins[8].accuracy, 0.5);
        assert_eq!((result.bins[8].lower, result.bins[8].upper), (0.8, 0.9));
    }

    #[test]
    fn equal_mass_matches_values_worked_by_hand() {
        // c = np.array([.2, .4, .6, .8]); y = np.array([1, 0, 1, 0])
        // np.mean([abs(.5 - .3), abs(.5 - .7)]) = .2
        let result = equal_mass(&[0.8, 0.2, 0.6, 0.4], &[false, true, true, false], 2).unwrap();
        close(result.error.error, 0.2);
        assert_eq!(result.bins.iter().map(|bin| bin.count).collect::<Vec<_>>(), [2, 2]);
        assert_eq!((result.bins[1].lower, result.bins[1].upper), (0.6, 0.8));
    }

    #[test]
    fn the_ends_of_the_scale_are_inside() {
        for bins in [1, 10, 15, 20] {
            for calibration in [equal_width, equal_mass] {
                // Right as said: abs(0 - 0) and abs(1 - 1).
                let good = calibration(&[0.0, 1.0], &[false, true], bins).unwrap();
                assert_eq!(good.error, CalibrationError { error: 0.0, calibrated_reference: 0.0 });
                assert_eq!(good.bins.iter().map(|bin| bin.count).sum::<usize>(), 2);
            }
            let bad = equal_width(&[0.0, 1.0], &[true, false], bins).unwrap();
            // One bin: abs(mean([1, 0]) - mean([0, 1])) = 0, else both are wholly wrong.
            close(bad.error.error, if bins == 1 { 0.0 } else { 1.0 });
            if bins > 1 {
                assert_eq!((bad.bins[0].count, bad.bins[bins - 1].count), (1, 1));
            }
        }
    }

    #[test]
    fn ties_do_not_depend_on_the_order() {
        let confidences = [0.5, 0.9, 0.5, 0.5, 0.9, 0.1, 0.5, 0.9];
        let correct = [true, false, false, true, true, false, false, true];
        for bins in [2, 3, 10, 15, 20] {
            for calibration in [equal_width, equal_mass] {
                let expected = calibration(&confidences, &correct, bins).unwrap();
                for shift in 1..confidences.len() {
                    let (mut moved, mut outcome) = (confidences, correct);
                    moved.rotate_left(shift);
                    outcome.rotate_left(shift);
                    assert_eq!(calibration(&moved, &outcome, bins).unwrap(), expected);
                }
            }
        }
    }

    #[test]
    fn counts_examples_once_for_any_number_of_bins() {
        let confidences = spread(0.0, 1.0, 100);
        let correct: Vec<bool> = (0..100).map(|i| i % 3 == 0).collect();
        for bins in [1, 7, 10, 15, 20, 100, 1000] {
            for calibration in [equal_width, equal_mass] {
                let result = calibration(&confidences, &correct, bins).unwrap();
                assert_eq!(result.bins.iter().map(|bin| bin.count).sum::<usize>(), 100);
                assert!((0.0..=1.0).contains(&result.error.error));
                assert!(result.bins.len() <= bins);
            }
        }
        let tens = equal_mass(&confidences, &correct, 10).unwrap();
        assert!(tens.bins.iter().all(|bin| bin.count == 10));
    }

    #[test]
    fn a_calibrated_model_shows_an_error_all_the_same() {
        // n = 100, 15 bins. In numpy, with the distribution of each bin's sum by convolution:
        //   p = [1.]
        //   for x in c[b == k]: p = np.convolve(p, [1 - x, x])
        //   (p * abs(np.arange(len(p)) - c[b == k].sum())).sum(), summed over k, / 100
        // Confidences over (0.5, 1), as those of two classes are: the often quoted 0.09.
        let half = equal_width(&spread(0.5, 1.0, 100), &[true; 100], 15).unwrap();
        close(half.error.calibrated_reference, 0.090_348_405_581_107_77);
        // Over (0, 1) twice as many bins are in use, and the error is larger.
        let full = equal_width(&spread(0.0, 1.0, 100), &[true; 100], 15).unwrap();
        close(full.error.calibrated_reference, 0.123_411_142_586_602_98);
    }

    #[test]
    fn rejects_bad_input() {
        for calibration in [equal_width, equal_mass] {
            for value in [0, MAX_BINS + 1, usize::MAX] {
                assert_eq!(calibration(&[0.5], &[true], value), Err(MetricError::Bins { value }));
            }
            assert!(matches!(calibration(&[], &[], 15), Err(MetricError::Empty { argument: "confidences", .. })));
            assert!(matches!(
                calibration(&[0.5], &[true, false], 15),
                Err(MetricError::ShapeMismatch { length: 2, expected: 1, .. })
            ));
            for value in [-0.1, 1.1, f64::INFINITY, f64::NAN] {
                let error = calibration(&[0.5, value], &[true, true], 15).unwrap_err();
                assert_eq!(error.to_string(), format!("confidences[1]: {value}, expected a number in [0, 1]"));
            }
        }
        assert_eq!(expected_calibration_error(&[]), 0.0);
    }
}
