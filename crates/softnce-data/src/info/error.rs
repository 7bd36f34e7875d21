//! What can keep a set from being described.

use std::error::Error as StdError;
use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// A set that cannot be described or shown.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum InfoError {
    /// There are no pictures.
    #[error("set: no pictures; expected at least one")]
    Empty,
    /// A picture cannot be had; the error names it.
    #[error("picture {index}: {source}")]
    Picture {
        /// Its number.
        index: usize,
        /// What its source said.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// A picture's parts disagree.
    #[error("picture {index}: {found}; expected height x width x 1 or 3 bytes")]
    Shape {
        /// Its number.
        index: usize,
        /// Its size and bytes.
        found: String,
    },
    /// A number out of range.
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
    #[error("{}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}
