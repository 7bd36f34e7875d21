//! Networks on Burn: fused operations for its CPU device, models, and weights in and out.

#![forbid(unsafe_code)]
#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod models;
pub mod ops;
pub mod weights;
