//! The studies: a file and a line of the table for each.

mod ablations;
mod distillation;
mod human;
mod long_tail;
mod swap;

use super::study::Study;

/// All studies made of variants, in the order of `--help`.
pub static STUDIES: &[Study] = &[ablations::STUDY, long_tail::STUDY, human::STUDY, swap::STUDY, distillation::STUDY];
