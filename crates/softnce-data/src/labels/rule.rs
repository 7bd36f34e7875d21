//! Turns the rows of a file into rows on the simplex.

use std::path::Path;

use ndarray::{Array2, Axis};

use super::LabelError;
use super::matching::RowMatching;
use super::place::Place;
use crate::{ContentError, PictureSource};

/// Largest difference between a sum of probabilities and 1.
pub(crate) const SLACK: f64 = 0.005;

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
    /// The file.
    pub(super) path: &'p Path,
    /// The pictures that the labels are of.
    pub(super) pictures: &'p dyn PictureSource,
    /// The folder of the set.
    pub(super) root: &'p Path,
    rule: LabelRule,
    taken: usize,
    // Grows with the rows, so that a wrong number of rows reserves no memory.
    labels: Vec<f32>,
}

impl<'p> LabelRows<'p> {
    pub(super) fn new(path: &'p Path, rule: LabelRule, pictures: &'p dyn PictureSource, root: &'p Path) -> Self {
        Self { path, pictures, root, rule, taken: 0, labels: Vec::new() }
    }

    /// The same with another path in the errors.
    pub(super) fn named<'s>(self, path: &'s Path) -> LabelRows<'s>
    where
        'p: 's,
    {
        LabelRows { path, ..self }
    }

    /// Whether the values are logits.
    pub(super) fn are_logits(&self) -> bool {
        matches!(self.rule, LabelRule::Logits { .. })
    }

    /// Number of rows that are expected, one a picture.
    pub(super) fn rows(&self) -> usize {
        self.pictures.labels().len()
    }

    /// Number of values of a row, one a class.
    pub(super) fn classes(&self) -> usize {
        self.pictures.class_names().len()
    }

    /// Adds the next row, of one value a class in the order of the classes.
    pub(super) fn push(&mut self, values: &[f64], place: Place<'_>) -> Result<(), LabelError> {
        let (allowed, expected): (fn(f64) -> bool, _) = match self.rule {
            LabelRule::Logits { .. } => (f64::is_finite, "a finite number"),
            LabelRule::Probabilities => (
                |value| value >= 0.0 && value.is_finite(),
                "a finite number of at least 0; for logits set kind = \"logits\"",
            ),
            LabelRule::Weights => (|value| value >= 0.0 && value.is_finite(), "a finite number of at least 0"),
        };
        if let Some((class, &value)) = values.iter().enumerate().find(|&(_, &value)| !allowed(value)) {
            return Err(self.wrong(place.value(class), value.to_string(), expected));
        }
        let sum: f64 = values.iter().sum();
        match self.rule {
            LabelRule::Weights if !(sum > 0.0 && sum.is_finite()) => {
                return Err(self.wrong(place.row(), format!("weights with the sum {sum}"), "a finite sum above 0"));
            }
            LabelRule::Probabilities if (sum - 1.0).abs() > SLACK => {
                return Err(self.wrong(place.row(), format!("probabilities with the sum {sum}"), "1 within 0.005"));
            }
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

    /// All labels, after the last row; `matching`: the picture of each row, or `None` if they are in the order of the
    /// pictures.
    pub(super) fn finish(self, matching: Option<RowMatching>) -> Result<Array2<f32>, LabelError> {
        let rows = match matching {
            Some(matching) => Some(matching.rows(self.path)?),
            None if self.taken != self.rows() => return Err(self.shape(format!("{} rows", self.taken))),
            None => None,
        };
        let wrong = self.shape(format!("{} rows", self.taken));
        let shape = (self.taken, self.classes());
        let labels = Array2::from_shape_vec(shape, self.labels).map_err(|_| wrong)?;
        Ok(match rows {
            Some(rows) => labels.select(Axis(0), &rows),
            None => labels,
        })
    }

    /// The error for a file of another shape.
    pub(super) fn shape(&self, found: String) -> LabelError {
        let (rows, classes) = (self.rows(), self.classes());
        ContentError::whole(self.path, found, format!("{rows} rows of {classes} classes, one row a picture"))
    }

    /// The error for a place in the file.
    pub(super) fn wrong(&self, place: String, found: String, expected: impl Into<String>) -> LabelError {
        ContentError { path: self.path.to_owned(), place, found, expected: expected.into() }.into()
    }
}
