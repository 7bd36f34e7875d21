//! The command `report`: of runs and comparisons, and of runs over many classes.

use std::path::Path;

use softnce_classes::ClassesError;
use softnce_classes::report::write_again;
use softnce_train::{AgainError, write_report_again};

use crate::classes::is_run;

/// Why a report could not be written again.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    #[error(transparent)]
    Run(#[from] AgainError),
    #[error(transparent)]
    Classes(#[from] ClassesError),
}

impl ReportError {
    /// Whether the folder or its results are at fault.
    pub fn is_usage(&self) -> bool {
        match self {
            ReportError::Run(error) => error.is_usage(),
            ReportError::Classes(error) => error.is_usage(),
        }
    }
}

/// Writes the report of a folder again.
pub fn again(folder: &Path) -> Result<(), ReportError> {
    if is_run(folder) {
        write_again(folder)?;
        return Ok(());
    }
    Ok(write_report_again(folder)?)
}
