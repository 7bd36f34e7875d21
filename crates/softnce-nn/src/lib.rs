//! Networks for Burn: fused operations for its CPU device, models, and import and export of weights.

#![forbid(unsafe_code)]
#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod models;
mod onnx;
pub mod ops;
pub mod weights;
