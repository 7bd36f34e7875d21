//! Turns the rows of a file into rows on the simplex.

use std::path::Path;

use ndarray::Array2;

use super::LabelError;
use crate::ContentError;

/// Largest difference between a sum of probabilities and 1.
const SLACK: f64 = 0.005;

/// The meaning of the values in a file.
#[derive(Debug, Clone, Copy)]
pub(super) enum LabelRule {
    /// Weights of any scale, divided by their sum.
    Weights,
    /// Probabilities, which sum to 1 up to rounding.
    Probabilities,
    /// Logits; the labels are `softmax(values / temperature)`.
    Logits {
        /// Above 0.
        temperature: f64,
    },
}

/// Checks rows one after another and converts them to labels.
pub(super) struct LabelRows<'p> {
    pub(super) path: &'p Path,
    pub(super) rows: usize,
    pub(super) classes: usize,
    rule: LabelRule,
    taken: usize,
    // Grows with the rows, so that a wrong number of rows reserves no memory.
    labels: Vec<f32>,
}

impl<'p> LabelRows<'p> {
    pub(super) fn new(path: &'p Path, rule: LabelRule, rows: usize, classes: usize) -> Self {
        Self { path, rows, classes, rule, taken: 0, labels: Vec::new() }
    }

    /// Adds the next row, of `classes` values.
    pub(super) fn push(&mut self, values: &[f64]) -> Result<(), LabelError> {
        let row = self.taken;
        let (allowed, expected): (fn(f64) -> bool, _) = match self.rule {
            LabelRule::Logits { .. } => (f64::is_finite, "a finite number"),
            _ => (|value| value >= 0.0 && value.is_finite(), "a finite number of at least 0"),
        };
        if let Some((column, &value)) = values.iter().enumerate().find(|&(_, &value)| !allowed(value)) {
            return Err(ContentError::row(self.path, (row, Some(column)), value.to_string(), expected));
        }
        let sum: f64 = values.iter().sum();
        let bad_sum = |expected: &str| ContentError::row(self.path, (row, None), format!("sum {sum}"), expected);
        match self.rule {
            LabelRule::Weights if !(sum > 0.0 && sum.is_finite()) => return Err(bad_sum("a finite number above 0")),
            LabelRule::Probabilities if (sum - 1.0).abs() > SLACK => return Err(bad_sum("1 within 0.005")),
            LabelRule::Weights | LabelRule::Probabilities => {
                self.labels.extend(values.iter().map(|value| (value / sum) as f32))
            }
            LabelRule::Logits { temperature } => {
                let largest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let powers = || values.iter().map(|value| ((value - largest) / temperature).exp());
                let sum: f64 = powers().sum();
                self.labels.extend(powers().map(|power| (power / sum) as f32));
            }
        }
        self.taken += 1;
        Ok(())
    }

    /// Number of rows so far.
    pub(super) fn taken(&self) -> usize {
        self.taken
    }

    /// All labels, after the last row.
    pub(super) fn finish(self) -> Result<Array2<f32>, LabelError> {
        let found = format!("{} rows", self.taken);
        let wrong = self.shape(found);
        if self.taken != self.rows {
            return Err(wrong);
        }
        Array2::from_shape_vec((self.rows, self.classes), self.labels).map_err(|_| wrong)
    }

    /// The error for a file of another shape.
    pub(super) fn shape(&self, found: String) -> LabelError {
        ContentError::whole(self.path, found, format!("{} rows of {} classes", self.rows, self.classes))
    }
}
