//! Brier score.

use super::specification::{Baseline, Direction, Specification, Unit};

pub(super) const BRIER: Specification = Specification {
    name: "brier",
    head: "Brier",
    title: "Brier score",
    short_title: "Brier score",
    phrase: "Brier score",
    meaning: "squared distance of the posterior from the class (Brier 1950)",
    unit: Unit::Brier,
    direction: Direction::Lower,
    baseline: Baseline::Value { name: "uniform", of: |result| Some(1.0 - 1.0 / result.classes.len() as f64) },
    in_comparisons: true,
    in_studies: false,
    after_scaling: true,
    of: |result| Some(result.overall.brier.into()),
};
