//! What a comparison shows: a page, a spreadsheet file and tables for terminals and README files.
//!
//! Everything here is a pure function of a [`Comparison`], and in [`run`], the report of a single
//! run, of a [`RunReport`](run::RunReport). The page says in words what its figures
//! show and what they do not; those sentences are computed from the same numbers.

mod axes;
mod claims;
mod comparison;
mod csv;
mod diagram;
#[cfg(test)]
mod fixture;
mod format;
mod html;
mod look;
pub mod run;
mod table;
#[cfg(test)]
mod wellformed;

pub use self::comparison::{Comparison, Plan};
pub use self::csv::rows;
pub use self::format::plus_minus;
pub use self::html::{page, standalone};
pub use self::look::look;
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
    /// The figures could not be written as JSON.
    #[error("cannot write the figures as JSON")]
    Json(#[from] serde_json::Error),
    /// The classes have more or fewer names than there are.
    #[error("class_names: {found} names, expected {expected}, one a class")]
    ClassNames {
        /// The number of names.
        found: usize,
        /// The number of classes.
        expected: usize,
    },
    /// A picture is no PNG file.
    #[error("{list}[{index}]: not a PNG file, expected one to stand in the page")]
    Picture {
        /// The list that it is in.
        list: &'static str,
        /// Its place there.
        index: usize,
    },
}
