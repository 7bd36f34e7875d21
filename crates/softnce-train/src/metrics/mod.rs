//! Metrics of a classifier: accuracy, negative log likelihood, Brier score and calibration.
//!
//! All are computed from the posterior `p(y|x) = softmax(logits / temperature)`; the noise distribution of a
//! contrastive loss plays no part here. No metric is ever NaN: input that would make it so is an error.

mod accuracy;
mod binning;
mod calibrated_reference;
pub mod calibration;
mod error;
mod scores;

use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};

pub use calibration::{Calibration, CalibrationError, ReliabilityBin};
pub use error::MetricError;

/// Number of calibration bins of an [`Evaluation`], the customary one (Guo et al. 2017).
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
    /// Expected calibration error over [`CALIBRATION_BINS`] bins of equal width (Naeini et al. 2015).
    pub ece_equal_width: CalibrationError,
    /// Expected calibration error over at most [`CALIBRATION_BINS`] bins of about equally many examples.
    pub ece_equal_mass: CalibrationError,
    /// The equal-width bins in rising order, empty ones included: the reliability diagram.
    pub reliability: Vec<ReliabilityBin>,
}

/// Evaluates `logits` (shape: examples x classes) against `labels` (length: examples; values: `0..classes`).
///
/// The posterior is `softmax(logits / temperature)`, in `f64`; the confidence of an example is the largest entry of
/// its posterior. Ranks are taken from the logits themselves, where rounding cannot make ties. A tie counts against
/// the prediction, whatever the order of the classes, for the accuracies as for the calibration.
///
/// # Errors
///
/// [`MetricError`] if there are no examples or no classes, the lengths disagree, a label is not below the number of
/// classes, a logit is not finite, or the temperature is not a finite number > 0 or so small that
/// `logits / temperature` leaves the range of `f64`.
pub fn evaluate(logits: ArrayView2<'_, f32>, temperature: f64, labels: &[usize]) -> Result<Evaluation, MetricError> {
    check(logits, temperature, labels)?;
    let examples = labels.len();
    let (mut top1, mut top5) = (0_usize, 0_usize);
    let (mut nll, mut brier) = (0.0, 0.0);
    let mut confidences = Vec::with_capacity(examples);
    let mut correct = Vec::with_capacity(examples);
    for (row, &label) in logits.rows().into_iter().zip(labels) {
        let right = accuracy::in_top_k(row, label, 1);
        top1 += usize::from(right);
        top5 += usize::from(accuracy::in_top_k(row, label, 5));
        let scores = scores::score_row(row, temperature, label);
        nll += scores.nll;
        brier += scores.brier;
        confidences.push(scores.confidence);
        correct.push(right);
    }
    if !nll.is_finite() {
        return Err(MetricError::TemperatureTooSmall { value: temperature });
    }
    let equal_width = calibration::equal_width(&confidences, &correct, CALIBRATION_BINS)?;
    let equal_mass = calibration::equal_mass(&confidences, &correct, CALIBRATION_BINS)?;
    let n = examples as f64;
    Ok(Evaluation {
        examples,
        top1: top1 as f64 / n,
        top5: top5 as f64 / n,
        nll: nll / n,
        brier: brier / n,
        ece_equal_width: equal_width.error,
        ece_equal_mass: equal_mass.error,
        reliability: equal_width.bins,
    })
}

/// Rejects input on which a metric is undefined.
fn check(logits: ArrayView2<'_, f32>, temperature: f64, labels: &[usize]) -> Result<(), MetricError> {
    let (examples, classes) = logits.dim();
    if !(temperature.is_finite() && temperature > 0.0) {
        return Err(MetricError::Temperature { value: temperature });
    }
    if labels.len() != examples {
        return Err(MetricError::ShapeMismatch {
            argument: "labels",
            length: labels.len(),
            expected: examples,
            per: "row of logits",
        });
    }
    if examples == 0 {
        return Err(MetricError::Empty { argument: "logits", expected: "row (example)" });
    }
    if classes == 0 {
        return Err(MetricError::Empty { argument: "logits", expected: "column (class)" });
    }
    if let Some((row, &label)) = labels.iter().enumerate().find(|&(_, &label)| label >= classes) {
        return Err(MetricError::LabelOutOfRange { row, label, classes });
    }
    if let Some(((row, column), &value)) = logits.indexed_iter().find(|(_, logit)| !logit.is_finite()) {
        return Err(MetricError::NonFiniteLogit { row, column, value });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
