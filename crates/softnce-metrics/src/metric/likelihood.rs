//! Negative log likelihood.

use super::specification::{Baseline, Direction, Specification, Unit};

pub(super) const NLL: Specification = Specification {
    name: "nll",
    head: "NLL",
    title: "NLL",
    short_title: "NLL",
    phrase: "negative log likelihood",
    meaning: "negative log likelihood in nats",
    unit: Unit::Nats,
    direction: Direction::Lower,
    baseline: Baseline::Value { name: "uniform", of: |result| Some((result.classes.len() as f64).ln()) },
    in_comparisons: true,
    in_studies: true,
    after_scaling: true,
    of: |result| Some(result.overall.nll.into()),
};
