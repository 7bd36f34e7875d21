//! Why data are refused.

use std::io;
use std::path::{Path, PathBuf};

use softnce_data::ContentError;
use softnce_data::sets::SetError;

/// Why data are refused: where, what was found, what was expected.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// An argument is not what was expected.
    #[error("{argument} is {found}, expected {expected}")]
    Argument {
        /// Which argument.
        argument: &'static str,
        /// Its value or shape.
        found: String,
        /// What was expected.
        expected: String,
    },
    /// The system could not read a file.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file has another content than expected.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// A source has no row of this index.
    #[error("row {index}, expected a row below {rows}, the number of rows")]
    Index {
        /// The index.
        index: usize,
        /// Number of rows.
        rows: usize,
    },
    /// A row is not what its source says, or is of no use here.
    #[error("row {row} has {found}, expected {expected}")]
    Row {
        /// Its index.
        row: usize,
        /// What it has.
        found: String,
        /// What was expected.
        expected: String,
    },
    /// A set of features cannot be read.
    #[error(transparent)]
    Set(#[from] SetError),
    /// A row of features cannot be read.
    #[error("{set}: {source}")]
    Features {
        /// The row and its set.
        set: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The labels are no targets.
    #[error(transparent)]
    Targets(#[from] softnce::Error),
}

impl DataError {
    /// An argument that is not what was expected.
    pub(crate) fn argument(argument: &'static str, found: impl ToString, expected: impl Into<String>) -> Self {
        DataError::Argument { argument, found: found.to_string(), expected: expected.into() }
    }

    /// A row that is not what was expected.
    pub(crate) fn row(row: usize, found: impl Into<String>, expected: impl Into<String>) -> Self {
        DataError::Row { row, found: found.into(), expected: expected.into() }
    }

    /// Adds the path to an error of the system.
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| DataError::Io { path, source }
    }

    /// A file as a whole.
    pub(crate) fn file(path: &Path, found: impl Into<String>, expected: impl Into<String>) -> Self {
        let (path, place) = (path.to_owned(), String::new());
        ContentError { path, place, found: found.into(), expected: expected.into() }.into()
    }

    /// A line of a file, counted from 1.
    pub(crate) fn line(path: &Path, line: usize, found: impl Into<String>, expected: impl Into<String>) -> Self {
        let (path, place) = (path.to_owned(), format!(", line {line}"));
        ContentError { path, place, found: found.into(), expected: expected.into() }.into()
    }

    /// A byte of a line of a file, both counted from 1.
    pub(crate) fn column(
        path: &Path,
        (line, column): (usize, usize),
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> Self {
        let (path, place) = (path.to_owned(), format!(", line {line}, column {column}"));
        ContentError { path, place, found: found.into(), expected: expected.into() }.into()
    }

    /// Fails if a source has no such row.
    pub(crate) fn check_index(index: usize, rows: usize) -> Result<(), Self> {
        if index < rows { Ok(()) } else { Err(DataError::Index { index, rows }) }
    }
}
