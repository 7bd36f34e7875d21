//! Errors of a network's configuration and of its running statistics.

use thiserror::Error;

use crate::ops::OperationError;

/// Why a network cannot be built or its running statistics not be updated.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum NetworkError {
    /// A number out of its range.
    #[error("network: {argument} is {value}; expected {expected}")]
    Argument {
        /// Name of the key or argument.
        argument: &'static str,
        /// Its value.
        value: String,
        /// What was expected.
        expected: String,
    },
    /// Statistics of another network.
    #[error(
        "running statistics of {got} batch normalisations with {channels:?} channels; the network has {expected:?}"
    )]
    Running {
        /// Number of given statistics.
        got: usize,
        /// Channels of each given one.
        channels: Vec<usize>,
        /// Channels of each batch normalisation of the network, in order.
        expected: Vec<usize>,
    },
    /// Pictures that do not fit the network.
    #[error(transparent)]
    Operation(#[from] OperationError),
}

impl NetworkError {
    pub(super) fn argument(
        argument: &'static str,
        value: impl std::fmt::Display,
        expected: impl Into<String>,
    ) -> NetworkError {
        NetworkError::Argument { argument, value: value.to_string(), expected: expected.into() }
    }
}

/// An error unless `low <= value <= high`.
pub(super) fn between(argument: &'static str, value: usize, low: usize, high: usize) -> Result<(), NetworkError> {
    if (low..=high).contains(&value) {
        return Ok(());
    }
    Err(NetworkError::argument(argument, value, format!("{low} to {high}")))
}

/// Checks the size of the pictures and the number of classes, for every kind of network.
pub(super) fn check_shapes(input: [usize; 3], classes: usize) -> Result<(), NetworkError> {
    // Rows of features are channels of one pixel, and embeddings of language models have thousands of values.
    between("input channels", input[0], 1, 1 << 20)?;
    between("input height", input[1], 1, 1 << 12)?;
    between("input width", input[2], 1, 1 << 12)?;
    between("classes", classes, 1, 1 << 26)
}
