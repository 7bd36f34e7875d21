//! The examples at the top of a ranking: the hardest, the most confidently wrong.

use serde::{Deserialize, Serialize};

/// An example with the prediction of the model.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EvaluatedExample {
    /// Index of the example, as it was pushed.
    pub index: usize,
    /// Its class.
    pub label: usize,
    /// The class predicted. If the label only ties with the largest logit, it is another class.
    pub predicted: usize,
    /// Probability of the class predicted, in `[0, 1]`.
    pub probability: f64,
    /// Probability of the label, in `[0, 1]`.
    pub label_probability: f64,
    /// Negative log likelihood of the label, in nats.
    pub loss: f64,
}

/// At most `most` examples, those with the largest keys. Between equal keys the smaller index goes first, then the one
/// added first.
#[derive(Debug, Clone)]
pub(super) struct Ranked {
    most: usize,
    key: fn(&EvaluatedExample) -> [f64; 2],
    examples: Vec<EvaluatedExample>,
}

impl Ranked {
    pub(super) fn new(most: usize, key: fn(&EvaluatedExample) -> [f64; 2]) -> Self {
        Self { most, key, examples: Vec::new() }
    }

    pub(super) fn add(&mut self, example: EvaluatedExample) {
        let before = |other: &EvaluatedExample| {
            let ([a, b], [c, d]) = ((self.key)(other), (self.key)(&example));
            // The larger key first.
            c.total_cmp(&a).then(d.total_cmp(&b)).then(other.index.cmp(&example.index)).is_le()
        };
        let place = self.examples.partition_point(before);
        if place < self.most {
            self.examples.truncate(self.most - 1);
            self.examples.insert(place, example);
        }
    }

    pub(super) fn finish(self) -> Vec<EvaluatedExample> {
        self.examples
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(index: usize, loss: f64) -> EvaluatedExample {
        EvaluatedExample { index, label: 0, predicted: 1, probability: 0.5, label_probability: 0.5, loss }
    }

    #[test]
    fn keeps_the_largest_in_order() {
        let losses = [0.5, 2.0, 1.0, 2.0, 0.1, 3.0];
        for most in 0..8 {
            let mut forward = Ranked::new(most, |example| [example.loss, 0.0]);
            let mut backward = forward.clone();
            losses.iter().enumerate().for_each(|(index, &loss)| forward.add(example(index, loss)));
            losses.iter().enumerate().rev().for_each(|(index, &loss)| backward.add(example(index, loss)));
            let order: Vec<usize> = forward.finish().iter().map(|example| example.index).collect();
            // sorted(range(6), key=lambda i: (-losses[i], i))
            assert_eq!(order, [5, 1, 3, 2, 0, 4][..most.min(6)]);
            assert!(backward.finish().iter().map(|example| example.index).eq(order));
        }
    }
}
