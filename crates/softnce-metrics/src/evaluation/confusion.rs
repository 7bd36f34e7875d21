//! The confusion matrix.

use std::collections::BTreeMap;

use ndarray::Array2;
use serde::{Deserialize, Serialize};

/// Largest number of classes whose confusions are counted in a full matrix; above it, only pairs that occur are stored.
pub const DENSE_CLASSES: usize = 2048;

/// The confusion matrix: how many examples of one class were predicted to be of another. Only pairs that
/// occur are stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfusionMatrix {
    /// Number of classes.
    pub classes: usize,
    /// `[label, predicted, count]` of every pair with a count above 0, in rising order. Right predictions are among
    /// them.
    pub entries: Vec<[usize; 3]>,
}

impl ConfusionMatrix {
    /// Number of examples of class `label` that were predicted to be of class `predicted`.
    pub fn count(&self, label: usize, predicted: usize) -> usize {
        let found = self.entries.binary_search_by(|&[a, b, _]| (a, b).cmp(&(label, predicted)));
        found.map_or(0, |index| self.entries[index][2])
    }

    /// The matrix in full. Shape: classes (label) x classes (predicted).
    pub fn dense(&self) -> Array2<usize> {
        let mut matrix = Array2::zeros((self.classes, self.classes));
        for &[label, predicted, count] in &self.entries {
            if let Some(entry) = matrix.get_mut([label, predicted]) {
                *entry = count;
            }
        }
        matrix
    }

    /// The wrong predictions, `[label, predicted, count]`, from the most frequent pair down; of equal ones in rising
    /// order of the classes. At most `most` of them.
    pub fn most_confused(&self, most: usize) -> Vec<[usize; 3]> {
        let mut wrong: Vec<[usize; 3]> = self.entries.iter().copied().filter(|[a, b, _]| a != b).collect();
        wrong.sort_by_key(|&[label, predicted, count]| (std::cmp::Reverse(count), label, predicted));
        wrong.truncate(most);
        wrong
    }
}

/// Counts pairs of classes.
#[derive(Debug, Clone)]
pub(super) enum Confusions {
    Dense { classes: usize, counts: Vec<usize> },
    Sparse { classes: usize, counts: BTreeMap<(usize, usize), usize> },
}

impl Confusions {
    pub(super) fn new(classes: usize) -> Self {
        if classes <= DENSE_CLASSES {
            Confusions::Dense { classes, counts: vec![0; classes * classes] }
        } else {
            Confusions::Sparse { classes, counts: BTreeMap::new() }
        }
    }

    /// Counts an example; both classes are below the number of classes.
    pub(super) fn add(&mut self, label: usize, predicted: usize) {
        match self {
            Confusions::Dense { classes, counts } => counts[label * *classes + predicted] += 1,
            Confusions::Sparse { counts, .. } => *counts.entry((label, predicted)).or_default() += 1,
        }
    }

    pub(super) fn finish(self) -> ConfusionMatrix {
        match self {
            Confusions::Dense { classes, counts } => {
                let entries = counts.iter().enumerate().filter(|&(_, &count)| count > 0);
                let entries = entries.map(|(index, &count)| [index / classes, index % classes, count]).collect();
                ConfusionMatrix { classes, entries }
            }
            Confusions::Sparse { classes, counts } => {
                let entries = counts.into_iter().map(|((label, predicted), count)| [label, predicted, count]);
                ConfusionMatrix { classes, entries: entries.collect() }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dense_and_sparse_count_alike() {
        let pairs = [(0, 1), (2, 2), (0, 1), (1, 0), (2, 0), (2, 2), (2, 2)];
        let mut dense = Confusions::new(3);
        assert!(matches!(dense, Confusions::Dense { .. }));
        assert!(matches!(Confusions::new(DENSE_CLASSES + 1), Confusions::Sparse { .. }));
        let mut sparse = Confusions::Sparse { classes: 3, counts: BTreeMap::new() };
        pairs.iter().for_each(|&(label, predicted)| {
            dense.add(label, predicted);
            sparse.add(label, predicted);
        });
        let matrix = dense.finish();
        assert_eq!(matrix, sparse.finish());
        assert_eq!(matrix.entries, [[0, 1, 2], [1, 0, 1], [2, 0, 1], [2, 2, 3]]);
        assert_eq!((matrix.count(0, 1), matrix.count(1, 1), matrix.count(9, 9)), (2, 0, 0));
        assert_eq!(matrix.dense(), ndarray::array![[0, 2, 0], [1, 0, 0], [1, 0, 3]]);
        assert_eq!(matrix.most_confused(2), [[0, 1, 2], [1, 0, 1]]);
        assert_eq!(matrix.most_confused(9).len(), 3);
    }
}
