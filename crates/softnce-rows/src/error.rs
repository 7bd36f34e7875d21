//! Why rows could not be read, changed or searched.

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
    /// A file or folder could not be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl RowsError {
    /// An argument that is not what was expected.
    pub(crate) fn argument(argument: &'static str, found: impl ToString, expected: impl Into<String>) -> Self {
        RowsError::Argument { argument, found: found.to_string(), expected: expected.into() }
    }
}
