//! What a comparison shows: a page, a spreadsheet file and tables for terminals and README files.
//!
//! Everything here is a pure function of [`Results`](crate::compare::Results). The page says in words what its figures
//! show and what they do not; those sentences are computed from the same numbers.

mod claims;
mod csv;
#[cfg(test)]
mod fixture;
mod format;
mod html;
mod look;
mod table;

pub use self::csv::rows;
pub use self::html::page;
pub use self::table::{markdown, terminal};

/// Why a report could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The results hold no finished loss.
    #[error("the results hold nothing to report: no loss has finished")]
    Empty,
    /// The rows could not be written as CSV.
    #[error("cannot write the rows as CSV")]
    Csv(#[from] ::csv::Error),
}
