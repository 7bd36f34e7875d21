//! What can be wrong with a network's configuration or its running statistics.

use thiserror::Error;

/// Why a network cannot be built or updated.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum NetworkError {
    /// A number outside its range.
    #[error("{argument} is {value}; expected {expected}")]
    Argument {
        /// Name of the field or argument.
        argument: &'static str,
        /// Its value.
        value: String,
        /// What it may be.
        expected: String,
    },
    /// Statistics of another network.
    #[error("{got} batch normalisations with {channels:?} channels, but the network has {expected:?} channels")]
    Running {
        /// Number of statistics given.
        got: usize,
        /// Channels of each one given.
        channels: Vec<usize>,
        /// Channels of each batch normalisation of the network, in order.
        expected: Vec<usize>,
    },
}

impl NetworkError {
    pub(super) fn argument(
        argument: &'static str,
        value: impl std::fmt::Debug,
        expected: impl Into<String>,
    ) -> NetworkError {
        NetworkError::Argument { argument, value: format!("{value:?}"), expected: expected.into() }
    }
}

/// An error unless `low <= value <= high`.
pub(super) fn between(argument: &'static str, value: usize, low: usize, high: usize) -> Result<(), NetworkError> {
    if (low..=high).contains(&value) {
        return Ok(());
    }
    Err(NetworkError::argument(argument, value, format!("{low} to {high}")))
}

/// Checks what every network takes: pictures of a size and a number of classes.
pub(super) fn check_shapes(input: [usize; 3], classes: usize) -> Result<(), NetworkError> {
    between("input channels", input[0], 1, 1 << 10)?;
    between("input height", input[1], 1, 1 << 12)?;
    between("input width", input[2], 1, 1 << 12)?;
    between("classes", classes, 1, 1 << 26)
}
