//! The numeric foundation of the losses and networks: vector code, exponentials, matrix products, work sharing, zeroed
//! buffers.
//!
//! This crate knows nothing of losses. It is the home of `unsafe` code.

#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod memory;
pub mod parallel;
pub mod product;
pub mod simd;
pub mod system;
#[cfg(test)]
mod testing;
