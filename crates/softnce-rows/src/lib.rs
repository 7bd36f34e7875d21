//! Matrices of millions of rows, such as the class weights of a linear head, of which a training step reads and changes
//! few.
//!
//! - [`RowMatrix`]: a matrix in memory or in a file, in f32 or bf16, whose rows are gathered and scattered;
//!   [`RowStore`]: a folder of such matrices, which survives crashes at any moment.
//! - [`RowBlocks`]: what an evaluation over all rows reads.
//! - [`RowOptimizer`]: SGD, AdamW and row-wise Adagrad that change only the rows of a step.
//! - [`RowTable`]: rows in a store with their optimiser.
//! - [`write_safetensors`]: matrices and tables ([`StoredRows`]) as a file that other programs read.
//! - [`RowsError`]: each error names the argument or file, its value, and what was expected.

#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod blocks;
mod error;
mod optimizers;
pub mod search;
mod storage;
mod table;

pub use blocks::RowBlocks;
pub use error::RowsError;
pub use optimizers::{RowOptimizer, RowOptimizerConfig};
pub use storage::{
    Changed, Element, Init, MatrixSpec, Place, Rounding, RowMatrix, RowStore, StoredRows, write_safetensors,
};
pub use table::{CurrentRows, RowTable, TableRows, TableSpec};
