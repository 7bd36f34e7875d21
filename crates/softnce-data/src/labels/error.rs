//! Errors of soft labels.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

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
    /// A binary file has wrong content.
    #[error("{}, byte {offset}: {found}; expected {expected}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Number of the byte, from 0.
        offset: u64,
        /// What was found.
        found: String,
        /// What was expected.
        expected: String,
    },
    /// A line of a table has wrong content.
    #[error("{}, line {line}: {found}; expected {expected}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// Number of the line, from 1.
        line: u64,
        /// What was found.
        found: String,
        /// What was expected.
        expected: String,
    },
    /// The file has another number of rows or columns.
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
    /// A value is out of range.
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
        /// What was expected.
        expected: &'static str,
    },
    /// The sum of a row is out of range.
    #[error("{}, row {row}: sum {sum}; expected {expected}", path.display())]
    Sum {
        /// The file.
        path: PathBuf,
        /// The row, from 0.
        row: usize,
        /// Its sum.
        sum: f64,
        /// What was expected.
        expected: &'static str,
    },
    /// The file does not have the requested tensor.
    #[error("{}: {found}; expected {expected}", path.display())]
    Tensor {
        /// The file.
        path: PathBuf,
        /// What was found.
        found: String,
        /// What was expected.
        expected: String,
    },
    /// The file name has no known ending.
    #[error("{}: unknown ending; expected {expected}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// The known endings.
        expected: &'static str,
    },
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
