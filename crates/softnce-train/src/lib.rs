//! Data, target mixing, models, training, metrics and reports for the softnce losses.
//!
//! - [`data`]: the embedded optdigits pictures, stratified splits.
//! - [`mixing`]: MixUp and CutMix with a weight for each row, as compact targets.
//! - [`model`], [`training`]: a network and its training loop on Burn.
//! - [`metrics`], [`stats`]: accuracy, proper scores, calibration; intervals and paired differences.
//! - [`evaluation`]: all of that and more of a set of any size, in parts; temperature scaling.
//! - [`compare`], [`report`]: several losses at equal budgets, and the page that shows what came of it.

#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod compare;
pub mod data;
pub mod evaluation;
pub mod metrics;
pub mod mixing;
pub mod model;
pub mod report;
pub mod stats;
pub mod training;
