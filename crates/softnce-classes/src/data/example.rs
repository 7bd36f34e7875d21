//! One row.

use super::DataError;

/// A row: its inputs, its soft label, and the classes that count as right.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Example {
    /// The values of a dense row; empty in a sparse one. Shape `[columns]`.
    pub dense: Vec<f32>,
    /// The inputs of a sparse row; empty in a dense one. They may be in any order; an input that stands twice counts
    /// with the sum of its values.
    pub indices: Vec<u32>,
    /// The value of each of `indices`.
    pub values: Vec<f32>,
    /// The classes of the soft label, each once; empty in a row without labels.
    pub classes: Vec<u32>,
    /// The share of each of `classes`: not below 0, with sum 1.
    pub weights: Vec<f64>,
    /// The classes that a ranking should put first.
    pub relevant: Vec<u32>,
}

impl Example {
    /// Removes all content and keeps the memory.
    pub fn clear(&mut self) {
        let Example { dense, indices, values, classes, weights, relevant } = self;
        dense.clear();
        indices.clear();
        values.clear();
        classes.clear();
        weights.clear();
        relevant.clear();
    }

    /// Gives the relevant classes equal shares.
    pub(crate) fn share_equally(&mut self) {
        let share = 1.0 / self.relevant.len() as f64;
        self.classes.clone_from(&self.relevant);
        self.weights.clear();
        self.weights.resize(self.classes.len(), share);
    }

    /// Fails if the classes are not below `classes`, or not as many as their shares.
    pub(crate) fn check_classes(&self, row: usize, classes: usize) -> Result<(), DataError> {
        if self.classes.len() != self.weights.len() {
            let found = format!("{} classes and {} shares", self.classes.len(), self.weights.len());
            return Err(DataError::row(row, found, "as many shares"));
        }
        match self.classes.iter().chain(&self.relevant).find(|&&class| class as usize >= classes) {
            Some(class) => Err(DataError::row(row, format!("class {class}"), format!("classes below {classes}"))),
            None => Ok(()),
        }
    }
}
