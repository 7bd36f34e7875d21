//! Accuracies.

use super::specification::{Baseline, Direction, Specification, Unit};
use crate::evaluation::EvaluationResult;

pub(super) const TOP1: Specification = Specification {
    name: "top1",
    head: "top-1 %",
    title: "Top-1 accuracy",
    short_title: "Top-1",
    phrase: "top-1 accuracy",
    meaning: "share of the pictures whose class is the most probable",
    unit: Unit::Share,
    direction: Direction::Higher,
    baseline: Baseline::Value { name: "chance", of: |result| Some(chance(result, 1.0)) },
    in_comparisons: true,
    in_studies: true,
    after_scaling: false,
    of: |result| Some(result.overall.top1.into()),
};

pub(super) const TOP5: Specification = Specification {
    name: "top5",
    head: "top-5 %",
    title: "Top-5 accuracy",
    short_title: "Top-5",
    phrase: "top-5 accuracy",
    meaning: "share of the pictures whose class is among the five most probable",
    unit: Unit::Share,
    direction: Direction::Higher,
    baseline: Baseline::Value { name: "chance", of: |result| Some(chance(result, 5.0)) },
    in_comparisons: true,
    in_studies: false,
    after_scaling: false,
    // With five classes or fewer it is always 1.
    of: |result| (result.classes.len() > 5).then(|| result.overall.top5.into()),
};

pub(super) const BALANCED: Specification = Specification {
    name: "balanced",
    head: "balanced %",
    title: "Class-balanced accuracy",
    short_title: "Class-balanced",
    phrase: "class-balanced accuracy",
    meaning: "mean over the classes of their accuracy",
    unit: Unit::Share,
    direction: Direction::Higher,
    baseline: Baseline::Value { name: "chance", of: |result| Some(chance(result, 1.0)) },
    in_comparisons: false,
    in_studies: true,
    after_scaling: false,
    of: |result| Some(result.class_balanced_accuracy.into()),
};

/// The share that guessing gets right with `k` guesses.
fn chance(result: &EvaluationResult, k: f64) -> f64 {
    (k / result.classes.len() as f64).min(1.0)
}
