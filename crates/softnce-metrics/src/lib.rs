//! Metrics, calibration, temperature scaling, intervals and tests, on plain slices: no Burn, no files.

#![forbid(unsafe_code)]
#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
