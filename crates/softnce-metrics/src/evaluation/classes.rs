//! What an evaluation says of each class.

use serde::{Deserialize, Serialize};

/// One class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct ClassResult {
    /// Examples of the class.
    pub examples: usize,
    /// Examples of the class that were predicted right.
    pub correct: usize,
    /// Examples of any class that were predicted to be of this one.
    pub predicted: usize,
    /// Share of the class's examples that were predicted right, in `[0, 1]`; none where there is no example.
    pub accuracy: Option<f64>,
    /// Examples of the class in the training set, where known.
    pub training_examples: Option<u64>,
}

impl ClassResult {
    pub(super) fn new(examples: usize, correct: usize, predicted: usize, training_examples: Option<u64>) -> Self {
        let accuracy = (examples > 0).then(|| correct as f64 / examples as f64);
        Self { examples, correct, predicted, accuracy, training_examples }
    }
}
