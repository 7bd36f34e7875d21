//! The numeric foundation of the losses and networks: vector code, exponentials, matrix products, work sharing, zeroed
//! buffers.
//!
//! This crate contains no code for losses. Apart from the Python binding, it is the only crate with `unsafe` code.

#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod memory;
pub mod parallel;
pub mod product;
pub mod simd;
pub mod system;
#[cfg(test)]
mod testing;
