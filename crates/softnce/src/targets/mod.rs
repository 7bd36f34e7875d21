//! Soft targets: one label distribution per row, stored in the cheapest form that can represent it.

mod check;
mod compact;
mod compact_rows;
mod dense;
mod dense_rows;
mod hard;
mod rows;
mod scan;
mod sources;

pub use check::SIMPLEX_TOLERANCE;
pub(crate) use check::{CLASS_INDICES, check_classes, check_size};
pub(crate) use compact_rows::Compact;
pub(crate) use rows::Rows;
pub use rows::Targets;
