//! The report of a comparison of losses: a page, a figure, a spreadsheet file and tables.
//!
//! Everything is a pure function of a [`Comparison`]. The page says in words what its
//! figures show and what they do not; those sentences are computed from the same numbers.

mod claims;
mod cost;
mod csv;
mod curves;
mod differences;
#[cfg(test)]
pub(crate) mod fixture;
mod intervals;
mod metrics;
mod page;
mod reliability;
mod scaled;
#[cfg(test)]
mod sentences;
mod setting;
mod table;
#[cfg(test)]
mod tests;
mod tuning;
mod words;

pub use self::csv::rows;
pub use self::intervals::standalone;
pub use self::page::page;
pub use self::table::{markdown, terminal};

use crate::error::ReportError;
use crate::results::Comparison;

/// The files of a comparison that are for people, each with its name: `results.md`, `figure.svg` and `report.html`.
///
/// # Errors
/// As [`page()`].
pub fn files(results: &Comparison) -> Result<[(&'static str, String); 3], ReportError> {
    Ok([("results.md", markdown(results)), ("figure.svg", standalone(results)), ("report.html", page(results)?)])
}
