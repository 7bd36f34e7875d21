//! Vector code, exponentials, blocked sums, matrix products and work sharing: the numeric foundation of the losses and networks.
//!
//! This crate knows nothing of losses. It is the home of `unsafe` code.

#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
