//! Metrics of a classifier: accuracy, negative log likelihood, Brier score and calibration.
//!
//! All are computed from the posterior `p(y|x) = softmax(logits / temperature)`; the noise distribution of a
//! contrastive loss plays no part here. No metric is ever NaN: input that would make it so is an error.

mod accuracy;
mod binning;
mod calibrated_reference;
pub mod calibration;
mod class_wise;
mod error;
mod moments;
mod overall;
mod scores;
mod selective;

use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};

pub(crate) use accuracy::predicted;
pub use calibration::{Calibration, CalibrationError, ReliabilityBin};
pub(crate) use class_wise::ClassWise;
pub use error::MetricError;
pub(crate) use overall::{Overall, check_length, check_rows};
pub(crate) use scores::{RowScores, largest, shifted};
pub use selective::Selective;

/// Number of calibration bins where nothing else is said, the customary one (Guo et al. 2017).
pub const CALIBRATION_BINS: usize = 15;

/// The metrics of a classifier on a labelled data set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Number of examples, at least 1.
    pub examples: usize,
    /// Share of examples whose class scores above every other class, in `[0, 1]`. A tie counts as wrong.
    pub top1: f64,
    /// Share of examples with fewer than five other classes scoring at least as high as their own, in `[0, 1]`;
    /// 1 with five classes or fewer.
    pub top5: f64,
    /// Mean negative log likelihood, in nats.
    pub nll: f64,
    /// Mean over the examples of the Brier score, summed over classes, in `[0, 2]` (Brier 1950).
    pub brier: f64,
    /// Expected calibration error over bins of equal width (Naeini et al. 2015).
    pub ece_equal_width: CalibrationError,
    /// Expected calibration error over bins of about equally many examples.
    pub ece_equal_mass: CalibrationError,
    /// The equal-width bins in rising order, empty ones included: the reliability diagram.
    pub reliability: Vec<ReliabilityBin>,
}

/// Evaluates `logits` (shape: examples x classes) against `labels` (length: examples; values: `0..classes`).
///
/// The posterior is `softmax(logits / temperature)`, in `f64`; the confidence of an example is the largest entry of
/// its posterior. Ranks are taken from the logits themselves, where rounding cannot make ties. A tie counts against
/// the prediction, whatever the order of the classes, for the accuracies as for the calibration. The calibration is
/// over [`CALIBRATION_BINS`] bins. [`crate::evaluation`] gives more, and takes the rows in parts.
///
/// # Errors
///
/// [`MetricError`] if there are no examples or no classes, the lengths disagree, a label is not below the number of
/// classes, a logit is not finite, or the temperature is not a finite number > 0 or so small that
/// `logits / temperature` leaves the range of `f64`.
pub fn evaluate(logits: ArrayView2<'_, f32>, temperature: f64, labels: &[usize]) -> Result<Evaluation, MetricError> {
    let mut overall = Overall::new(temperature, CALIBRATION_BINS)?;
    check_rows(logits, labels)?;
    for (row, &label) in logits.rows().into_iter().zip(labels) {
        overall.push(row, label);
    }
    overall.finish()
}

#[cfg(test)]
mod tests;
