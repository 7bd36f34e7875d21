//! Errors of soft labels.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::ContentError;
use crate::arrays::ArrayError;

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
    /// Rows whose path names no picture.
    #[error(
        "{}{place}: no picture has the path '{found}'{}; expected paths from the folder of the set, such as '{example}'",
        path.display(), more(*count)
    )]
    UnknownPath {
        /// The file.
        path: PathBuf,
        /// The place of the first such row in it, such as `, line 3`.
        place: String,
        /// The path in that row.
        found: String,
        /// Number of such rows.
        count: usize,
        /// The path of a picture.
        example: String,
    },
    /// Two rows for one picture.
    #[error("{}{place}: a second row for '{found}'{}; the first one is in {first}", path.display(), more(*count))]
    DuplicatePath {
        /// The file.
        path: PathBuf,
        /// The place of the first such row in it, such as `, line 3`.
        place: String,
        /// The path in that row.
        found: String,
        /// Number of such rows.
        count: usize,
        /// The place of the other row for the picture, such as `line 2`.
        first: String,
    },
    /// Pictures without a row.
    #[error("{}: no row for '{missing}'{}", path.display(), more(*count))]
    MissingPath {
        /// The file.
        path: PathBuf,
        /// The path of the first such picture.
        missing: String,
        /// Number of such pictures.
        count: usize,
    },
}

/// How many others there are beside the one that is named.
fn more(count: usize) -> String {
    if count > 1 { format!(" (and {} more)", count - 1) } else { String::new() }
}

impl LabelError {
    /// Adds the path to an error of the system.
    pub(super) fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}

impl From<ArrayError> for LabelError {
    fn from(error: ArrayError) -> Self {
        match error {
            ArrayError::Io { path, source } => LabelError::Io { path, source },
            ArrayError::Content(error) => error.into(),
        }
    }
}
