//! The metrics of an [`Evaluation`], summed up row by row.

use ndarray::{ArrayView1, ArrayView2};

use super::scores::{self, RowScores};
use super::selective::{Selective, selective};
use super::{Evaluation, MetricError, accuracy, calibration};

/// What has been seen so far: sums, and of each example its confidence and whether it was right (nine bytes), without
/// which bins of equal mass cannot be had exactly.
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

    /// What it comes to on the most confident of the rows added; none without a row.
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

/// Rejects an argument that has not one entry per row of logits.
pub(crate) fn check_length(argument: &'static str, length: usize, rows: usize) -> Result<(), MetricError> {
    if length == rows {
        return Ok(());
    }
    Err(MetricError::ShapeMismatch { argument, length, expected: rows, per: "row of logits" })
}
