//! Distances from label distributions, such as the votes of several people.

use super::specification::{Baseline, Direction, Specification, Unit};

pub(super) const CROSS_ENTROPY: Specification = Specification {
    name: "soft_cross_entropy",
    head: "soft cross-entropy",
    title: "Cross-entropy to soft labels",
    short_title: "Cross-entropy to soft labels",
    phrase: "cross-entropy to the label distributions",
    meaning: "cross-entropy of the posterior to the label distributions, nats",
    unit: Unit::Nats,
    direction: Direction::Lower,
    baseline: Baseline::Value {
        name: "entropy of the labels",
        of: |result| result.soft_labels.map(|scores| scores.entropy),
    },
    in_comparisons: false,
    in_studies: false,
    after_scaling: true,
    of: |result| result.soft_labels.map(|scores| scores.cross_entropy.into()),
};

pub(super) const KL_DIVERGENCE: Specification = Specification {
    name: "kl",
    head: "KL",
    title: "KL divergence to soft labels",
    short_title: "KL divergence",
    phrase: "divergence from the label distributions",
    meaning: "divergence of the posterior from the votes, nats",
    unit: Unit::Nats,
    direction: Direction::Lower,
    baseline: Baseline::Value { name: "perfect", of: |_| Some(0.0) },
    in_comparisons: false,
    in_studies: true,
    after_scaling: true,
    of: |result| result.soft_labels.map(|scores| scores.kl_divergence.into()),
};
