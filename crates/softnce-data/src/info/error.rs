//! Errors of describing a set.

use std::error::Error as StdError;

use softnce_store::StoreError;
use thiserror::Error;

use crate::sets::BadPictures;

/// Why a set cannot be described or shown.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum InfoError {
    /// There are no pictures.
    #[error("set: no pictures; expected at least one")]
    Empty,
    /// Pictures cannot be read or decoded.
    #[error(transparent)]
    Bad(#[from] BadPictures),
    /// A picture cannot be read or decoded.
    #[error("picture {index}: {source}")]
    Picture {
        /// Its index.
        index: usize,
        /// The error of its source.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// The pixels of a picture do not fill its size.
    #[error("picture {index}: {found}; expected height x width x 1 or 3 bytes")]
    Shape {
        /// Its index.
        index: usize,
        /// Its size and bytes.
        found: String,
    },
    /// A number is out of range.
    #[error("{argument}: {value}; expected a number from 1 to {largest}")]
    Range {
        /// Name of the argument.
        argument: &'static str,
        /// Its value.
        value: usize,
        /// The largest value allowed.
        largest: usize,
    },
    /// A picture cannot be written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl InfoError {
    /// Whether the arguments or the set are refused, rather than a file failing.
    pub fn is_usage(&self) -> bool {
        match self {
            InfoError::Empty | InfoError::Range { .. } => true,
            InfoError::Store(error) => error.is_usage(),
            InfoError::Bad(_) | InfoError::Picture { .. } | InfoError::Shape { .. } => false,
        }
    }
}
