//! What the program knows of a metric: how to compute it, how to write it, which direction is better.

use serde::{Deserialize, Serialize};

use crate::calibration::CalibrationError;
use crate::evaluation::EvaluationResult;

/// A metric. All of them are listed in [`METRICS`](super::METRICS); reports, data files and studies walk that list.
#[derive(Debug)]
pub struct Specification {
    /// Its name in files: `top1`.
    pub name: &'static str,
    /// The head of its column in a table: `top-1 %`.
    pub head: &'static str,
    /// Its title without the unit: `Top-1 accuracy`.
    pub title: &'static str,
    /// A short title without the unit, for figures of differences: `Top-1`.
    pub short_title: &'static str,
    /// Its name inside a sentence: `top-1 accuracy`.
    pub phrase: &'static str,
    /// What it is, for captions, after the head of its column: `share of the pictures whose class is the most
    /// probable`.
    pub meaning: &'static str,
    /// Its unit, with the number of decimals shown.
    pub unit: Unit,
    /// Which values are better.
    pub direction: Direction,
    /// What a run's report compares the value with.
    pub baseline: Baseline,
    /// Whether comparisons of losses report it.
    pub in_comparisons: bool,
    /// Whether studies of variants record it.
    pub in_studies: bool,
    /// Whether comparisons and studies report it after temperature scaling too.
    pub after_scaling: bool,
    /// Reads or computes it; `None` where the set does not have what it takes, such as label distributions.
    pub of: fn(&EvaluationResult) -> Option<Reading>,
}

/// The unit of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A share in `[0, 1]`, shown in per cent; its differences are in percentage points.
    Share,
    /// Nats.
    Nats,
    /// The Brier score, a number from 0 to 2.
    Brier,
}

impl Unit {
    /// Factor from the value in files to the one shown.
    pub fn scale(self) -> f64 {
        match self {
            Unit::Share => 100.0,
            Unit::Nats | Unit::Brier => 1.0,
        }
    }

    /// Decimals shown.
    pub fn decimals(self) -> usize {
        match self {
            Unit::Share => 2,
            Unit::Nats | Unit::Brier => 4,
        }
    }

    /// What follows a title, with its comma.
    pub fn after_title(self) -> &'static str {
        match self {
            Unit::Share => ", %",
            Unit::Nats => ", nats",
            Unit::Brier => ", 0 to 2",
        }
    }

    /// What follows the title of differences, with its comma.
    pub fn after_difference_title(self) -> &'static str {
        match self {
            Unit::Share => ", points",
            Unit::Nats => ", nats",
            Unit::Brier => "",
        }
    }

    /// What follows a value in a sentence, with its space.
    pub fn after_value(self) -> &'static str {
        match self {
            Unit::Share => " %",
            Unit::Nats | Unit::Brier => "",
        }
    }

    /// What follows a difference in a sentence, with its space.
    pub fn after_difference(self) -> &'static str {
        match self {
            Unit::Share => " points",
            Unit::Nats => " nats",
            Unit::Brier => "",
        }
    }
}

/// Which values of a metric are better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Higher ones.
    Higher,
    /// Lower ones.
    Lower,
}

impl Direction {
    /// The direction in a word: `higher` or `lower`.
    pub fn word(self) -> &'static str {
        match self {
            Direction::Higher => "higher",
            Direction::Lower => "lower",
        }
    }
}

/// What a metric's value is compared with in the report of a run.
#[derive(Debug, Clone, Copy)]
pub enum Baseline {
    /// What a perfectly calibrated model of the same confidences would show; it comes with each [`Reading`].
    Calibrated,
    /// The value of another model, such as one that guesses.
    Value {
        /// Which model, in a word or two.
        name: &'static str,
        /// Its value.
        of: fn(&EvaluationResult) -> Option<f64>,
    },
}

/// The value of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Reading {
    /// A number.
    Number(f64),
    /// A calibration error with what a perfectly calibrated model of the same confidences would show.
    Calibration(CalibrationError),
}

impl Reading {
    /// The value itself.
    pub fn value(self) -> f64 {
        match self {
            Reading::Number(value) => value,
            Reading::Calibration(found) => found.error,
        }
    }

    /// What a perfectly calibrated model would show; only of calibration errors.
    pub fn calibrated_reference(self) -> Option<f64> {
        match self {
            Reading::Number(_) => None,
            Reading::Calibration(found) => Some(found.calibrated_reference),
        }
    }
}

impl From<f64> for Reading {
    fn from(value: f64) -> Self {
        Reading::Number(value)
    }
}

impl From<CalibrationError> for Reading {
    fn from(found: CalibrationError) -> Self {
        Reading::Calibration(found)
    }
}
