//! What can be wrong with a data set.

use std::io;

use thiserror::Error;

/// Data that is rejected: where, what came, what was expected.
#[derive(Debug, Error)]
pub enum DataError {
    /// The file ended early, is no gzip file, or is no text.
    #[error("line {line}: cannot be read: {source}; expected a whole gzip file of text")]
    Read {
        /// Number of the line being read, from 1.
        line: usize,
        /// What the reader or the decoder said.
        source: io::Error,
    },
    /// A row has the wrong number of columns.
    #[error("line {line}: {found} columns, expected {expected}")]
    Columns {
        /// Number of the line, from 1.
        line: usize,
        /// Columns found.
        found: usize,
        /// Columns expected.
        expected: usize,
    },
    /// A field is not a whole number in its range.
    #[error("line {line}, column {column}: '{found}', expected a whole number from 0 to {largest} ({meaning})")]
    Field {
        /// Number of the line, from 1.
        line: usize,
        /// Number of the column, from 1.
        column: usize,
        /// The text of the field.
        found: String,
        /// Largest value allowed.
        largest: u8,
        /// What the column holds.
        meaning: &'static str,
    },
    /// A file has the wrong number of rows.
    #[error("{found} rows, expected {expected}")]
    Rows {
        /// Rows found.
        found: usize,
        /// Rows expected.
        expected: usize,
    },
    /// There are no examples.
    #[error("{argument}: empty, expected at least one example")]
    Empty {
        /// Name of the argument.
        argument: &'static str,
    },
    /// The parts of a picture set disagree in size.
    #[error("{argument}: size {found}, expected {expected}")]
    Shape {
        /// Name of the argument.
        argument: &'static str,
        /// Size found.
        found: usize,
        /// Size expected.
        expected: usize,
    },
    /// A pixel is not in the range that networks are fed with.
    #[error("pixels[{row}, {column}]: {value}, expected a number in [0, 1]")]
    Pixel {
        /// Row of the pixel.
        row: usize,
        /// Column of the pixel.
        column: usize,
        /// The pixel.
        value: f32,
    },
    /// A label names no class.
    #[error("labels[{row}]: class {label}, expected one of 0..{classes}")]
    LabelOutOfRange {
        /// Row of the label.
        row: usize,
        /// The label.
        label: usize,
        /// Number of classes.
        classes: usize,
    },
    /// An index names no example.
    #[error("indices[{position}]: {index}, expected one of 0..{examples}")]
    IndexOutOfRange {
        /// Position in the list of indices.
        position: usize,
        /// The index.
        index: usize,
        /// Number of examples.
        examples: usize,
    },
    /// A share to hold out is not strictly between nothing and all.
    #[error("share: {value}, expected a number strictly between 0 and 1")]
    Share {
        /// The share.
        value: f64,
    },
}
