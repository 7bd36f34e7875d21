//! Training of classifiers with the softnce losses: recipes, optimisation, runs, comparisons.
//!
//! - [`recipe`]: the recipe, a TOML file that describes everything from the data folder to the report; [`runs`]:
//!   training, evaluation, prediction and export of a model; [`device`]: the device that a run computes on;
//!   [`randomness`]: the random numbers of a run; [`memory`]: the memory that the machine has left.
//! - [`optimisation`]: parameter groups, the schedule, clipping, weight averaging.
//! - [`compare`]: several losses at equal budgets; [`write_report_again`]: a report written again from its results.
//!
//! Metrics and statistics are in `softnce_metrics`, results and their pages in `softnce_report`.

#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod again;
pub mod compare;
pub mod device;
mod events;
pub mod memory;
pub mod optimisation;
pub mod randomness;
pub mod recipe;
pub mod runs;

pub use again::{AgainError, write_report_again};
