//! What can be wrong with a file of soft labels.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Soft labels that are rejected: where, what was found, what was expected.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LabelError {
    /// The system could not read the file.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The content of a binary file is not what it should be.
    #[error("{}, byte {offset}: {found}; expected {expected}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where, counted from 0.
        offset: u64,
        /// What is there.
        found: String,
        /// What should be there.
        expected: String,
    },
    /// A line of a table is not what it should be.
    #[error("{}, line {line}: {found}; expected {expected}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// Number of the line, from 1.
        line: u64,
        /// What is there.
        found: String,
        /// What should be there.
        expected: String,
    },
    /// The file has another number of rows or classes.
    #[error("{}: {found}; expected {rows} rows of {classes} classes", path.display())]
    Shape {
        /// The file.
        path: PathBuf,
        /// What it holds.
        found: String,
        /// Rows expected.
        rows: usize,
        /// Classes expected.
        classes: usize,
    },
    /// A value that no such label can have.
    #[error("{}, row {row}, column {column}: {value}; expected {expected}", path.display())]
    Value {
        /// The file.
        path: PathBuf,
        /// Row of the value, from 0.
        row: usize,
        /// Column of the value, from 0.
        column: usize,
        /// The value.
        value: f64,
        /// What may be there.
        expected: &'static str,
    },
    /// A row with a sum that no such labels can have.
    #[error("{}, row {row}: sum {sum}; expected {expected}", path.display())]
    Sum {
        /// The file.
        path: PathBuf,
        /// The row, from 0.
        row: usize,
        /// Its sum.
        sum: f64,
        /// What the sum may be.
        expected: &'static str,
    },
    /// The file has not the tensor asked for.
    #[error("{}: {found}; expected {expected}", path.display())]
    Tensor {
        /// The file.
        path: PathBuf,
        /// What there is.
        found: String,
        /// What was asked for.
        expected: String,
    },
    /// A file of a format that holds no such labels.
    #[error("{}: cannot tell the format from the ending; expected {expected}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// The endings known.
        expected: &'static str,
    },
    /// A temperature that divides nothing.
    #[error("temperature: {value}; expected a finite number above 0")]
    Temperature {
        /// The temperature.
        value: f64,
    },
}

impl LabelError {
    /// Names the file in an error of the system.
    pub(super) fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}
