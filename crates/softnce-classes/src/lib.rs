//! Training and evaluation over millions of classes.
//!
//! - [`data`]: rows with sparse or dense inputs and weighted labels: files, text, and generated rows.
//! - [`recipe`]: everything that determines a training; [`run`]: the training.
//! - [`results`]: what a finished run writes; [`report`]: its page, tables and curves.
//! - [`model`]: from inputs to the loss, and back to the rows that took part.

#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod data;
mod error;
pub mod model;
pub mod recipe;
pub mod report;
pub mod results;
pub mod run;

pub use error::ClassesError;
