//! Matrices of millions of rows, such as the class weights of a linear head, of which a training step reads and changes
//! few.
//!
//! - [`RowBlocks`]: what an evaluation over all rows reads.
//! - [`search`]: the largest scores, the log-sum-exp and the scores of given classes over all rows.
//! - [`RowsError`]: each error names the argument or file, its value, and what was expected.

#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod blocks;
mod error;
pub mod search;

pub use blocks::RowBlocks;
pub use error::RowsError;
