//! Training and evaluation over millions of classes.
//!
//! - [`data`]: rows with sparse or dense inputs and weighted labels: files, text, and generated rows.

#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod data;
