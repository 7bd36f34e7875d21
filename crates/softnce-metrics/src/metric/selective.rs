//! Selective prediction: results on the pictures that the model is most confident of.

use super::specification::{Baseline, Direction, Specification, Unit};

pub(super) const AURC: Specification = Specification {
    name: "aurc",
    head: "AURC %",
    title: "Risk-coverage area",
    short_title: "Risk-coverage area",
    phrase: "area under the risk-coverage curve",
    meaning: "area under the risk-coverage curve (Geifman and El-Yaniv 2017)",
    unit: Unit::Share,
    direction: Direction::Lower,
    baseline: Baseline::Value {
        name: "all errors last",
        of: |result| result.selective.as_ref().map(|found| found.aurc_perfect),
    },
    in_comparisons: false,
    in_studies: true,
    after_scaling: false,
    of: |result| result.selective.as_ref().map(|found| found.aurc.into()),
};

pub(super) const SUREST_NINETY: Specification = Specification {
    name: "surest_ninety",
    head: "top-1 % of surest 90 %",
    title: "Accuracy on the most confident 90 %",
    short_title: "Most confident 90 %",
    phrase: "accuracy on the most confident 90 %",
    meaning: "accuracy on the 90 % of the pictures with the most probable prediction",
    unit: Unit::Share,
    direction: Direction::Higher,
    baseline: Baseline::Value { name: "of all", of: |result| Some(result.overall.top1) },
    in_comparisons: false,
    in_studies: true,
    after_scaling: false,
    of: |result| result.selective.as_ref().map(|found| found.accuracy_of_surest.into()),
};
