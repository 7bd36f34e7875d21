//! The metrics of a whole set, summed up row by row.

use ndarray::{ArrayView1, ArrayView2};
use serde::{Deserialize, Serialize};

use crate::calibration::{CalibrationError, ReliabilityBin};
use crate::error::MetricError;
use crate::scores::{self, RowScores};
use crate::selective::{Selective, selective};
use crate::{accuracy, calibration};

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

/// Evaluates `logits` against `labels`.
///
/// The posterior is `softmax(logits / temperature)`, in `f64`; the confidence of an example is the largest entry of
/// its posterior. Ranks are taken from the logits themselves, where rounding cannot make ties. A tie counts against
/// the prediction, whatever the order of the classes, for the accuracies as for the calibration. The calibration is
/// over [`CALIBRATION_BINS`] bins. [`Evaluator`](crate::Evaluator) gives more, and takes the rows in batches.
///
/// # Shapes
/// - logits: `[examples, classes]`
/// - labels: `[examples]`, each in `0..classes`
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

/// Sums over the rows so far, and for each example its confidence and whether it was right (nine bytes), which exact
/// bins of equal mass need.
#[derive(Debug, Clone)]
pub(crate) struct Overall {
    temperature: f64,
    bins: usize,
    top1: usize,
    top5: usize,
    nll: f64,
    brier: f64,
    confidences: Vec<f64>,
    correct: Vec<bool>,
    posterior: Vec<f64>,
}

impl Overall {
    /// Nothing seen yet. The posterior is `softmax(logits / temperature)`; `bins` are those of the calibration.
    pub(crate) fn new(temperature: f64, bins: usize) -> Result<Self, MetricError> {
        if !(temperature.is_finite() && temperature > 0.0) {
            return Err(MetricError::Temperature { value: temperature });
        }
        calibration::check_bins(bins)?;
        Ok(Self {
            temperature,
            bins,
            top1: 0,
            top5: 0,
            nll: 0.0,
            brier: 0.0,
            confidences: Vec::new(),
            correct: Vec::new(),
            posterior: Vec::new(),
        })
    }

    /// Adds a row that [`check_rows`] has let pass, and gives its scores and its posterior.
    pub(crate) fn push(&mut self, row: ArrayView1<'_, f32>, label: usize) -> (RowScores, &[f64]) {
        let rivals = accuracy::rivals(row, label);
        let scores = scores::score_row(row, self.temperature, label, &mut self.posterior);
        self.top1 += usize::from(rivals < 1);
        self.top5 += usize::from(rivals < 5);
        self.nll += scores.nll;
        self.brier += scores.brier;
        self.confidences.push(scores.confidence);
        self.correct.push(rivals == 0);
        (scores, &self.posterior)
    }

    /// Number of rows added.
    pub(crate) fn examples(&self) -> usize {
        self.correct.len()
    }

    /// The temperature of the posterior.
    pub(crate) fn temperature(&self) -> f64 {
        self.temperature
    }

    /// The results on the most confident of the rows added; `None` without a row.
    pub(crate) fn selective(&self) -> Option<Selective> {
        (!self.correct.is_empty()).then(|| selective(&self.confidences, &self.correct))
    }

    /// The metrics of all rows added.
    pub(crate) fn finish(self) -> Result<Evaluation, MetricError> {
        if self.correct.is_empty() {
            return Err(MetricError::Empty { argument: "logits", expected: "row (example)" });
        }
        if !self.nll.is_finite() {
            return Err(MetricError::TemperatureTooSmall { value: self.temperature });
        }
        let equal_width = calibration::equal_width(&self.confidences, &self.correct, self.bins)?;
        let equal_mass = calibration::equal_mass(&self.confidences, &self.correct, self.bins)?;
        let n = self.correct.len() as f64;
        Ok(Evaluation {
            examples: self.correct.len(),
            top1: self.top1 as f64 / n,
            top5: self.top5 as f64 / n,
            nll: self.nll / n,
            brier: self.brier / n,
            ece_equal_width: equal_width.error,
            ece_equal_mass: equal_mass.error,
            reliability: equal_width.bins,
        })
    }
}

/// Rejects rows on which a metric is undefined. No rows at all are fine.
pub(crate) fn check_rows(logits: ArrayView2<'_, f32>, labels: &[usize]) -> Result<(), MetricError> {
    let (examples, classes) = logits.dim();
    check_length("labels", labels.len(), examples)?;
    if classes == 0 {
        return Err(MetricError::Empty { argument: "logits", expected: "column (class)" });
    }
    if let Some((row, &label)) = labels.iter().enumerate().find(|&(_, &label)| label >= classes) {
        return Err(MetricError::LabelOutOfRange { row, label, classes });
    }
    match logits.indexed_iter().find(|(_, logit)| !logit.is_finite()) {
        Some(((row, column), &value)) => Err(MetricError::NonFiniteLogit { row, column, value }),
        None => Ok(()),
    }
}

/// Rejects an argument that does not have one entry per row of logits.
pub(crate) fn check_length(argument: &'static str, length: usize, rows: usize) -> Result<(), MetricError> {
    if length == rows {
        return Ok(());
    }
    Err(MetricError::ShapeMismatch { argument, length, expected: rows, per: "row of logits" })
}
