//! The report of a finished run or comparison, written again from its results, without its data and without training.

use std::path::Path;

use softnce_report::results::{Comparison, RunReport};
use softnce_report::{ReportError, comparison, run};
use softnce_store::{Lock, StoreError, read, read_json, write};

/// The results of a run, and of a comparison.
const METRICS: &str = "metrics.json";
const RESULTS: &str = "results.json";
const REPORT: &str = "report.html";
const REMEDY: &str = "name the folder of a finished run or comparison";
const INVALID: &str = "name the folder of a finished run or comparison; if this is one, run its command again, which \
                       trains nothing and writes the file";

/// Why a report could not be written again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AgainError {
    /// There are no results, or a file could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The results have no report.
    #[error(transparent)]
    Report(#[from] ReportError),
}

impl AgainError {
    /// Whether the folder or its results are at fault.
    pub fn is_usage(&self) -> bool {
        match self {
            AgainError::Store(error) => error.is_usage(),
            AgainError::Report(_) => true,
        }
    }
}

/// Writes the files for people in the folder of a finished run (`metrics.md`, `report.html`) or comparison
/// (`results.md`, `figure.svg`, `report.html`) again, as this version writes them. The results themselves stay as they
/// are. The pictures of a run's report are those of the report that is there.
///
/// # Errors
/// A folder without results; files that cannot be read or written; a folder that another process is using.
pub fn write_report_again(folder: &Path) -> Result<(), AgainError> {
    if ![METRICS, RESULTS].iter().any(|name| folder.join(name).exists()) {
        let missing = "metrics.json and no results.json";
        return Err(StoreError::Missing { path: folder.to_owned(), missing, remedy: REMEDY }.into());
    }
    let _lock = Lock::folder(folder, "wait until it has ended")?;
    if let Some(report) = read_json::<RunReport>(&folder.join(METRICS), INVALID)? {
        let page = read(&folder.join(REPORT))?.unwrap_or_default();
        let report = run::with_pictures_of(&String::from_utf8_lossy(&page), report);
        return Ok(write_all(folder, &run::files(&report)?)?);
    }
    match read_json::<Comparison>(&folder.join(RESULTS), INVALID)? {
        Some(results) => Ok(write_all(folder, &comparison::files(&results)?)?),
        None => Ok(()),
    }
}

fn write_all(folder: &Path, files: &[(&str, String)]) -> Result<(), StoreError> {
    files.iter().try_for_each(|(name, content)| write(&folder.join(name), content.as_bytes()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_folder_without_results_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let message = |folder: &Path| write_report_again(folder).unwrap_err().to_string();
        let error = message(folder.path());
        assert!(
            error.ends_with(
                "holds no metrics.json and no results.json; name the folder of a finished run or comparison"
            )
        );
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left in it");
        std::fs::write(folder.path().join(METRICS), "{").unwrap();
        assert!(message(folder.path()).contains("metrics.json is not valid"));
        let _used = Lock::folder(folder.path(), "").unwrap();
        assert!(message(folder.path()).starts_with("another process is using "), "{}", message(folder.path()));
    }
}
