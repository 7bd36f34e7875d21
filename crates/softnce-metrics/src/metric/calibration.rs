//! Expected calibration errors.

use super::specification::{Baseline, Direction, Specification, Unit};

pub(super) const ECE_EQUAL_WIDTH: Specification = Specification {
    name: "ece_equal_width",
    head: "ECE width %",
    title: "ECE, equal width",
    short_title: "ECE, equal width",
    phrase: "calibration error over equal-width bins",
    meaning: "expected calibration error over bins of equal width",
    unit: Unit::Share,
    direction: Direction::Lower,
    baseline: Baseline::Calibrated,
    in_comparisons: true,
    in_studies: true,
    after_scaling: true,
    of: |result| Some(result.overall.ece_equal_width.into()),
};

pub(super) const ECE_EQUAL_MASS: Specification = Specification {
    name: "ece_equal_mass",
    head: "ECE mass %",
    title: "ECE, equal mass",
    short_title: "ECE, equal mass",
    phrase: "calibration error over equal-mass bins",
    meaning: "expected calibration error over bins of equally many pictures",
    unit: Unit::Share,
    direction: Direction::Lower,
    baseline: Baseline::Calibrated,
    in_comparisons: true,
    in_studies: false,
    after_scaling: true,
    of: |result| Some(result.overall.ece_equal_mass.into()),
};

pub(super) const ECE_CLASS_WISE: Specification = Specification {
    name: "ece_class_wise",
    head: "ECE class-wise %",
    title: "ECE, class-wise",
    short_title: "ECE, class-wise",
    phrase: "class-wise calibration error",
    meaning: "expected calibration error class by class over the whole posterior",
    unit: Unit::Share,
    direction: Direction::Lower,
    baseline: Baseline::Calibrated,
    in_comparisons: false,
    in_studies: false,
    after_scaling: true,
    of: |result| Some(result.ece_class_wise.into()),
};
