//! Errors of weights.

use std::path::PathBuf;

use softnce_store::StoreError;
use thiserror::Error;

use crate::models::NetworkError;

/// Why weights cannot be read, written or used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// A tensor of the network is not given.
    #[error("{name} is missing; expected shape {expected:?}")]
    Missing {
        /// Name of the tensor.
        name: String,
        /// Its shape in PyTorch.
        expected: Vec<usize>,
    },
    /// The network does not have these tensors.
    #[error("the network has no tensors {names:?}")]
    Unknown {
        /// Their names.
        names: Vec<String>,
    },
    /// A tensor has the wrong shape.
    #[error("{name} has shape {shape:?}; expected {expected:?}")]
    Shape {
        /// Name of the tensor.
        name: String,
        /// The given shape.
        shape: Vec<usize>,
        /// Its shape in PyTorch.
        expected: Vec<usize>,
    },
    /// The values of a tensor do not fill its shape.
    #[error("{name} has {values} values, which do not fill its shape {shape:?}")]
    Values {
        /// Name of the tensor.
        name: String,
        /// Number of values.
        values: usize,
        /// The given shape.
        shape: Vec<usize>,
    },
    /// Position embeddings do not fill their grid.
    #[error("{name} has {tokens} tokens; expected one for the class and one for each patch of {}", grid_in_words(*grid))]
    Grid {
        /// Name of the tensor.
        name: String,
        /// Number of tokens.
        tokens: usize,
        /// The given grid of patches; `None`: a square one was expected.
        grid: Option<[usize; 2]>,
    },
    /// A tensor cannot be read from its device.
    #[error("{name} cannot be read from its device: {reason}")]
    Device {
        /// Name of the tensor.
        name: String,
        /// The error of the device.
        reason: String,
    },
    /// A file cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The content of a file does not fit its ending.
    #[error("{path}: {reason}; expected {expected}", path = path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
        /// What was expected.
        expected: &'static str,
    },
    /// The running statistics do not fit the network.
    #[error(transparent)]
    Network(#[from] NetworkError),
}

fn grid_in_words(grid: Option<[usize; 2]>) -> String {
    grid.map_or_else(|| "a square grid".to_owned(), |[rows, columns]| format!("a grid of {rows} x {columns}"))
}
