//! Compact rows: a uniform share plus a few weighted classes.

use ndarray::{CowArray, Ix1, Ix2};

use crate::shared::Shared;

/// `W_j = uniform_j / d + sum_k weights_jk e_(classes_jk)`, rows summing to 1; of a class that stands twice in a row, the
/// first place has the weight and the others 0.
#[derive(Debug, Clone)]
pub(crate) struct Compact<'a> {
    pub(crate) uniform: Shared<'a, f64, Ix1>,
    pub(crate) classes: Shared<'a, u32, Ix2>,
    pub(crate) weights: Shared<'a, f64, Ix2>,
}

impl Compact<'_> {
    pub(crate) fn len(&self) -> usize {
        self.uniform.len()
    }

    /// The classes and weights of a row as they lie in memory: both arrays are made in row order.
    pub(crate) fn row(&self, row: usize) -> (&[u32], &[f64]) {
        let (len, entries) = (self.len(), self.classes.ncols());
        let both = self.classes.as_slice().zip(self.weights.as_slice());
        debug_assert!(both.is_some() && row < len, "row {row} of {len} in row order");
        both.map_or((&[], &[]), |(classes, weights)| {
            let entries = row * entries..(row + 1) * entries;
            (&classes[entries.clone()], &weights[entries])
        })
    }

    /// The classes and weights of all rows from this one on, as they lie in memory.
    pub(crate) fn entries_from(&self, row: usize) -> (&[u32], &[f64]) {
        let both = self.classes.as_slice().zip(self.weights.as_slice());
        let at = row * self.classes.ncols();
        both.map_or((&[], &[]), |(classes, weights)| (&classes[at..], &weights[at..]))
    }

    /// The weighted classes of a row.
    pub(crate) fn entries(&self, row: usize) -> impl Iterator<Item = (usize, f64)> {
        let (classes, weights) = self.row(row);
        classes.iter().map(|&class| class as usize).zip(weights.iter().copied())
    }

    pub(crate) fn into_owned<'t>(self) -> Compact<'t> {
        Compact {
            uniform: self.uniform.into_owned().into(),
            classes: self.classes.into_owned().into(),
            weights: self.weights.into_owned().into(),
        }
    }

    pub(crate) fn view(&self) -> Compact<'_> {
        Compact {
            uniform: CowArray::from(self.uniform.view()),
            classes: CowArray::from(self.classes.view()),
            weights: CowArray::from(self.weights.view()),
        }
    }
}
