//! Whether the parts of a report fit together.

use crate::error::ReportError;
use crate::results::RunReport;

/// Rejects a report whose parts do not fit together.
pub(super) fn check(report: &RunReport) -> Result<(), ReportError> {
    let (found, expected) = (report.class_names.len(), report.result.classes.len());
    if found != expected {
        return Err(ReportError::ClassNames { found, expected });
    }
    for (list, pictures) in [("hardest", &report.hardest), ("confidently_wrong", &report.confidently_wrong)] {
        if let Some(index) = pictures.iter().position(|picture| !picture.png.starts_with(b"\x89PNG\r\n\x1a\n")) {
            return Err(ReportError::Picture { list, index });
        }
    }
    Ok(())
}
