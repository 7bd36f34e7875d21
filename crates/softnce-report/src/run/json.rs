//! `metrics.json`.

use crate::error::ReportError;
use crate::results::RunReport;

/// The content of `metrics.json`: the report without its pictures. It reads back as a [`RunReport`].
///
/// # Errors
/// The figures cannot be written as JSON.
pub fn json(report: &RunReport) -> Result<String, ReportError> {
    let mut text = serde_json::to_string(report)?;
    text.push('\n');
    Ok(text)
}
