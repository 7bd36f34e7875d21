//! Training of classifiers under the softnce losses: recipes, runs, evaluation, comparisons, reports.
//!
//! - [`recipe`]: one TOML file from the data's folder to the report; [`runs`]: training, evaluation, prediction and
//!   export of one; [`device`]: what it computes on; [`randomness`]: what it draws.
//! - [`optimisation`]: parameter groups, the schedule, clipping, weight averaging.
//! - [`metrics`], [`stats`]: accuracy, proper scores, calibration; intervals and paired differences.
//! - [`evaluation`]: all of that and more of a set of any size, in parts; temperature scaling.
//! - [`compare`], [`report`]: several losses at equal budgets, and the pages that show what came of it.

#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod compare;
pub mod device;
pub mod evaluation;
pub mod metrics;
pub mod optimisation;
pub mod randomness;
pub mod recipe;
pub mod report;
pub mod runs;
pub mod stats;
