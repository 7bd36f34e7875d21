//! Errors of soft labels.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::ContentError;

/// Why soft labels are refused: where, what was found, what was expected.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LabelError {
    /// The system could not read the file.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// The file has another content than expected.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// The temperature is out of range.
    #[error("temperature: {value}; expected a finite number above 0")]
    Temperature {
        /// The temperature.
        value: f64,
    },
}

impl LabelError {
    /// Adds the path to an error of the system.
    pub(super) fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}
