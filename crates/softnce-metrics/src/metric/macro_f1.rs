//! Macro F1: the F1 score of each class, all classes counted alike.

use super::specification::{Baseline, Direction, Specification, Unit};
use crate::evaluation::ClassResult;

pub(super) const MACRO_F1: Specification = Specification {
    name: "macro_f1",
    head: "macro F1 %",
    title: "Macro F1",
    short_title: "Macro F1",
    phrase: "macro F1",
    meaning: "mean over the classes of the harmonic mean of their precision and recall",
    unit: Unit::Share,
    direction: Direction::Higher,
    baseline: Baseline::Value { name: "chance", of: |result| chance(&result.classes) },
    in_comparisons: true,
    in_studies: true,
    after_scaling: false,
    of: |result| macro_f1(&result.classes).map(Into::into),
};

/// The mean over the classes that occur, as labels or as predictions, of `2 correct / (examples + predicted)`, the
/// harmonic mean of precision and recall; `None` where no class occurs. As scikit-learn's
/// `f1_score(labels, predictions, average="macro", zero_division=0)`.
fn macro_f1(classes: &[ClassResult]) -> Option<f64> {
    let occurring = classes.iter().filter(|class| class.examples + class.predicted > 0);
    mean(occurring.map(|class| 2.0 * class.correct as f64 / (class.examples + class.predicted) as f64))
}

/// The macro F1 of a model that draws each prediction from all classes alike, from its mean counts.
fn chance(classes: &[ClassResult]) -> Option<f64> {
    let examples: usize = classes.iter().map(|class| class.examples).sum();
    let drawn = 1.0 / classes.len() as f64;
    mean(classes.iter().map(|class| {
        let share = class.examples as f64 / examples as f64;
        2.0 * share * drawn / (share + drawn)
    }))
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (count, sum) = values.fold((0, 0.0), |(count, sum), value| (count + 1, sum + value));
    (count > 0).then(|| sum / f64::from(count))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use ndarray::Array2;

    use super::*;
    use crate::{Evaluator, EvaluatorConfig, Metric};

    /// The metric by name from an evaluation of these labels and predictions.
    fn of(labels: &[usize], predictions: &[usize], classes: usize) -> f64 {
        let logits =
            Array2::from_shape_fn((labels.len(), classes), |(row, class)| f32::from(class == predictions[row]));
        let mut evaluator = Evaluator::new(classes, EvaluatorConfig::default()).unwrap();
        let indices: Vec<usize> = (0..labels.len()).collect();
        evaluator.push(logits.view(), labels, None, &indices).unwrap();
        let metric = Metric::named("macro_f1").unwrap();
        (metric.of)(&evaluator.finish().unwrap()).unwrap().value()
    }

    #[test]
    fn matches_scikit_learn() {
        // from sklearn.metrics import f1_score
        // f = lambda y, p: f1_score(y, p, average="macro", zero_division=0)
        let cases: [(&[usize], &[usize], f64); 5] = [
            // f([0, 0, 0, 1, 1, 2], [0, 0, 1, 1, 2, 2])
            (&[0, 0, 0, 1, 1, 2], &[0, 0, 1, 1, 2, 2], 0.655_555_555_555_555_6),
            // f([0, 1, 2, 0, 1, 2], [0, 2, 1, 0, 0, 1]): classes that are never right count 0
            (&[0, 1, 2, 0, 1, 2], &[0, 2, 1, 0, 0, 1], 0.266_666_666_666_666_66),
            // f([0, 0, 1], [0, 3, 1]): a class that is only predicted counts 0; class 2 occurs nowhere and is left out
            (&[0, 0, 1], &[0, 3, 1], 0.555_555_555_555_555_6),
            // f([3, 3], [3, 3])
            (&[3, 3], &[3, 3], 1.0),
            // f([0, 1], [1, 0])
            (&[0, 1], &[1, 0], 0.0),
        ];
        for (labels, predictions, expected) in cases {
            let found = of(labels, predictions, 4);
            assert!((found - expected).abs() < 1e-15, "{labels:?} {predictions:?}: {found} is not {expected}");
        }
    }

    #[test]
    fn without_examples_there_is_none() {
        assert_eq!(macro_f1(&[]), None);
        assert_eq!(macro_f1(&[ClassResult::default()]), None);
    }

    #[test]
    fn guessing_among_balanced_classes_gives_their_share() {
        let class = |examples| ClassResult { examples, ..ClassResult::default() };
        assert_eq!(chance(&[class(10); 4]), Some(0.25));
        // 2 p / (2 p + 1) for p = 3 / 4 and 1 / 4: (0.6 + 1 / 3) / 2
        assert!((chance(&[class(30), class(10)]).unwrap() - 7.0 / 15.0).abs() < 1e-15);
    }
}
