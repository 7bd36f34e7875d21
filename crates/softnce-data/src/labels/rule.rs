//! From the rows of a file to rows on the simplex.

use std::path::Path;

use ndarray::Array2;

use super::LabelError;

/// How far the sum of probabilities may be from 1.
const SLACK: f64 = 0.005;

/// What the values of a file mean.
#[derive(Debug, Clone, Copy)]
pub(super) enum Rule {
    /// Numbers to be divided by their sum.
    Weights,
    /// Numbers that sum to 1 but for rounding.
    Probabilities,
    /// `softmax(values / temperature)`.
    Logits {
        /// Above 0.
        temperature: f64,
    },
}

/// Takes rows as they come, checks them and keeps them as labels.
pub(super) struct Sink<'p> {
    pub(super) path: &'p Path,
    pub(super) rows: usize,
    pub(super) classes: usize,
    rule: Rule,
    taken: usize,
    // Grows with what comes, so that a number of rows that a file cannot have reserves nothing.
    labels: Vec<f32>,
}

impl<'p> Sink<'p> {
    pub(super) fn new(path: &'p Path, rule: Rule, rows: usize, classes: usize) -> Self {
        Self { path, rows, classes, rule, taken: 0, labels: Vec::new() }
    }

    /// Takes the next row, of `classes` values.
    pub(super) fn push(&mut self, values: &[f64]) -> Result<(), LabelError> {
        let row = self.taken;
        let (allowed, expected): (fn(f64) -> bool, _) = match self.rule {
            Rule::Logits { .. } => (f64::is_finite, "a finite number"),
            _ => (|value| value >= 0.0 && value.is_finite(), "a finite number of at least 0"),
        };
        if let Some((column, &value)) = values.iter().enumerate().find(|&(_, &value)| !allowed(value)) {
            return Err(LabelError::Value { path: self.path.to_owned(), row, column, value, expected });
        }
        let sum: f64 = values.iter().sum();
        let bad_sum = |expected| LabelError::Sum { path: self.path.to_owned(), row, sum, expected };
        match self.rule {
            Rule::Weights if !(sum > 0.0 && sum.is_finite()) => return Err(bad_sum("a finite number above 0")),
            Rule::Probabilities if (sum - 1.0).abs() > SLACK => return Err(bad_sum("1 within 0.005")),
            Rule::Weights | Rule::Probabilities => self.labels.extend(values.iter().map(|value| (value / sum) as f32)),
            Rule::Logits { temperature } => {
                let largest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let powers = || values.iter().map(|value| ((value - largest) / temperature).exp());
                let sum: f64 = powers().sum();
                self.labels.extend(powers().map(|power| (power / sum) as f32));
            }
        }
        self.taken += 1;
        Ok(())
    }

    /// The number of rows taken.
    pub(super) fn taken(&self) -> usize {
        self.taken
    }

    /// All labels, once all rows are there.
    pub(super) fn finish(self) -> Result<Array2<f32>, LabelError> {
        let found = format!("{} rows", self.taken);
        let wrong = self.shape(found);
        if self.taken != self.rows {
            return Err(wrong);
        }
        Array2::from_shape_vec((self.rows, self.classes), self.labels).map_err(|_| wrong)
    }

    /// The error of a file of another shape.
    pub(super) fn shape(&self, found: String) -> LabelError {
        LabelError::Shape { path: self.path.to_owned(), found, rows: self.rows, classes: self.classes }
    }
}
