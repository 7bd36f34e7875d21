//! What can be wrong with weights.

use std::path::PathBuf;

use thiserror::Error;

use crate::models::NetworkError;

/// Why weights cannot be read, written or taken.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// The network has a tensor that was not given.
    #[error("{name} is missing; expected shape {expected:?}")]
    Missing {
        /// Name of the tensor.
        name: String,
        /// Its shape, in PyTorch's layout.
        expected: Vec<usize>,
    },
    /// Tensors that the network does not have.
    #[error("the network has no tensors {names:?}")]
    Unknown {
        /// Their names.
        names: Vec<String>,
    },
    /// A tensor of another shape.
    #[error("{name} has shape {shape:?}; expected {expected:?}")]
    Shape {
        /// Name of the tensor.
        name: String,
        /// The shape given.
        shape: Vec<usize>,
        /// The network's, in PyTorch's layout.
        expected: Vec<usize>,
    },
    /// A tensor whose values do not fill its shape.
    #[error("{name} has {values} values; expected as many as shape {shape:?} holds")]
    Values {
        /// Name of the tensor.
        name: String,
        /// Number of values.
        values: usize,
        /// The shape given.
        shape: Vec<usize>,
    },
    /// Position embeddings that cannot be laid on another grid.
    #[error(
        "{name} has {tokens} tokens, grid {grid:?}; expected one for the class and those of the grid, or of a square"
    )]
    Grid {
        /// Name of the tensor.
        name: String,
        /// Number of tokens.
        tokens: usize,
        /// The grid given.
        grid: Option<[usize; 2]>,
    },
    /// A tensor that the device did not give back.
    #[error("{name} cannot be read from its device: {reason}")]
    Device {
        /// Name of the tensor.
        name: String,
        /// What the device said.
        reason: String,
    },
    /// A file that cannot be read or written.
    #[error("{path} cannot be {action}: {source}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// `read` or `written`.
        action: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file with other content than its ending says.
    #[error("{path}: {reason}; expected {expected}", path = path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
        /// What was expected.
        expected: &'static str,
    },
    /// Running statistics that the network does not take.
    #[error(transparent)]
    Network(#[from] NetworkError),
}
