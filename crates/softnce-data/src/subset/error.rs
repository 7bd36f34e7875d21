//! Errors of subsets.

use thiserror::Error;

/// Why a subset is refused: the argument, its value, what was expected.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum SubsetError {
    /// There are no rows.
    #[error("labels: empty; expected at least one row")]
    Empty,
    /// A label is out of range.
    #[error("labels[{row}]: class {label}; expected a class below {classes}")]
    Label {
        /// Row of the label.
        row: usize,
        /// The label.
        label: usize,
        /// Number of classes.
        classes: usize,
    },
    /// A class has no rows.
    #[error("labels: class {class} has no rows; expected at least one of each of the {classes} classes")]
    AbsentClass {
        /// The class.
        class: usize,
        /// Number of classes.
        classes: usize,
    },
    /// An imbalance factor below 1 or not finite.
    #[error("imbalance: {value}; expected a finite number of at least 1, the largest class over the smallest")]
    Imbalance {
        /// The factor.
        value: f64,
    },
    /// An imbalance at which a class keeps no rows.
    #[error("imbalance: {imbalance}; expected at most {most}: class {class} would keep none of its {rows} rows")]
    Unreachable {
        /// The factor.
        imbalance: f64,
        /// The class, from 0.
        class: usize,
        /// Its rows.
        rows: usize,
        /// The largest factor at which it keeps one.
        most: f64,
    },
    /// A share to hold out that is not strictly between 0 and 1.
    #[error("share: {value}; expected a number strictly between 0 and 1")]
    Share {
        /// The share.
        value: f64,
    },
    /// The source has no picture of this index.
    #[error("indices[{position}]: {index}; expected an index below {pictures}")]
    Index {
        /// Position in the list of indices.
        position: usize,
        /// The index.
        index: usize,
        /// Number of pictures.
        pictures: usize,
    },
    /// The subset has no picture of this index.
    #[error("index: {index}; expected an index below {pictures}")]
    Picture {
        /// The index.
        index: usize,
        /// Number of pictures.
        pictures: usize,
    },
    /// The rows are not those of the whole set.
    #[error("rows: {found}; expected {expected}, one per picture of the whole set")]
    Rows {
        /// Rows passed.
        found: usize,
        /// Pictures of the set.
        expected: usize,
    },
}
