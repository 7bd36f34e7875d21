//! Matrices of millions of rows, such as the class weights of a linear head, of which a training step reads and changes
//! few.
//!
//! - [`RowBlocks`]: what an evaluation over all rows reads.
//! - [`RowOptimizer`]: SGD, AdamW and row-wise Adagrad that change only the rows of a step.
//! - [`RowsError`]: each error names the argument or file, its value, and what was expected.

#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod blocks;
mod error;
mod optimizers;

pub use blocks::RowBlocks;
pub use error::RowsError;
pub use optimizers::{RowOptimizer, RowOptimizerConfig};
