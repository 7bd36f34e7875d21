//! What can be wrong with a request for a part of a set.

use thiserror::Error;

/// A request that is rejected: the argument, its value, what was expected.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum SubsetError {
    /// There are no rows.
    #[error("labels: empty; expected at least one row")]
    Empty,
    /// A label names no class.
    #[error("labels[{row}]: class {label}; expected one of 0..{classes}")]
    Label {
        /// Row of the label.
        row: usize,
        /// The label.
        label: usize,
        /// Number of classes.
        classes: usize,
    },
    /// A class has no rows to keep one of.
    #[error("labels: class {class} has no rows; expected at least one of each of the {classes} classes")]
    AbsentClass {
        /// The class.
        class: usize,
        /// Number of classes.
        classes: usize,
    },
    /// An imbalance factor below 1, or none at all.
    #[error("imbalance: {value}; expected a finite number of at least 1, the largest class over the smallest")]
    Imbalance {
        /// The factor.
        value: f64,
    },
    /// A share to hold out that is not strictly between nothing and all.
    #[error("share: {value}; expected a number strictly between 0 and 1")]
    Share {
        /// The share.
        value: f64,
    },
    /// An index names no picture.
    #[error("indices[{position}]: {index}; expected one of 0..{pictures}")]
    Index {
        /// Position in the list of indices.
        position: usize,
        /// The index.
        index: usize,
        /// Number of pictures.
        pictures: usize,
    },
    /// A picture that is not in the subset.
    #[error("index: {index}; expected one of 0..{pictures}")]
    Picture {
        /// The index.
        index: usize,
        /// Number of pictures.
        pictures: usize,
    },
    /// Label rows that are not those of the set.
    #[error("rows: {found}; expected {expected}, one a picture of the whole set")]
    Rows {
        /// Rows passed.
        found: usize,
        /// Pictures of the set.
        expected: usize,
    },
}
