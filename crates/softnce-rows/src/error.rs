//! Why rows could not be read, changed or searched.

use std::path::PathBuf;

use softnce_store::StoreError;

/// Why rows could not be read, changed or searched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RowsError {
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
    /// A score left the range of f32.
    #[error("score is {score} for query {query} and class {class}, expected the range of f32")]
    Score {
        /// The query, from 0.
        query: usize,
        /// The class.
        class: usize,
        /// The score: infinite or NaN.
        score: f32,
    },
    /// A file or folder could not be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The system refuses memory.
    #[error("{purpose} needs {bytes} bytes of memory, which the system refuses")]
    Memory {
        /// For what.
        purpose: &'static str,
        /// How much.
        bytes: u64,
    },
    /// The disk has too little space.
    #[error("{path} needs {needed} bytes of disk space, and {free} are free", path = .path.display())]
    Space {
        /// The folder.
        path: PathBuf,
        /// Bytes that its files would take.
        needed: u64,
        /// Bytes that the file system has left for this user.
        free: u64,
    },
    /// The files hold another generation than the one asked for.
    #[error(
        "{path} holds {found}, expected generation {expected}; restore the checkpoint and this folder from the same copy",
        path = .path.display()
    )]
    Generation {
        /// The folder.
        path: PathBuf,
        /// What it holds: "generation 3".
        found: String,
        /// The generation that the caller's checkpoint names.
        expected: u64,
    },
    /// A call that is not possible at this moment.
    #[error("{call} is refused: {reason}")]
    Order {
        /// Which call.
        call: &'static str,
        /// Why.
        reason: &'static str,
    },
}

impl RowsError {
    /// An argument that is not what was expected.
    pub(crate) fn argument(argument: &'static str, found: impl ToString, expected: impl Into<String>) -> Self {
        RowsError::Argument { argument, found: found.to_string(), expected: expected.into() }
    }
}
