//! The report of one training run: a page, a table in Markdown and for a terminal, and the figures as JSON.
//!
//! Everything is a pure function of a [`RunReport`].

mod caption;
mod classes;
mod confusion;
mod curves;
mod findings;
#[cfg(test)]
pub(crate) mod fixture;
mod history;
mod json;
mod labels;
mod metrics;
mod page;
mod pictures;
mod reliability;
mod rows;
mod table;
#[cfg(test)]
mod tests;

pub use self::caption::caption;
pub use self::history::{history, history_values};
pub use self::json::json;
pub use self::page::page;
pub use self::pictures::with_pictures_of;
pub use self::table::{markdown, terminal};

use crate::error::ReportError;
use crate::results::RunReport;

/// The files of a run that are for people, each with its name: `metrics.md` and `report.html`.
///
/// # Errors
/// As [`page()`].
pub fn files(report: &RunReport) -> Result<[(&'static str, String); 2], ReportError> {
    Ok([("metrics.md", markdown(report)), ("report.html", page(report)?)])
}
