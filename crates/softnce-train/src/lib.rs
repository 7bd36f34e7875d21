//! Training of classifiers under the softnce losses: recipes, optimisation, runs, comparisons.
//!
//! - [`recipe`]: one TOML file from the data's folder to the report; [`runs`]: training, evaluation, prediction and
//!   export of one; [`device`]: what it computes on; [`randomness`]: what it draws.
//! - [`optimisation`]: parameter groups, the schedule, clipping, weight averaging.
//! - [`compare`]: several losses at equal budgets.
//!
//! Metrics and statistics are in `softnce_metrics`, results and their pages in `softnce_report`.

#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod compare;
pub mod device;
pub mod optimisation;
pub mod randomness;
pub mod recipe;
pub mod runs;
