//! Errors of weights.

use std::path::{Path, PathBuf};

use softnce_store::StoreError;
use thiserror::Error;

use super::listing::{Listed, few};
use crate::models::NetworkError;

/// Why weights cannot be read, written or used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// Weights of a file do not fit the network.
    #[error("{path}: {error}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        error: Box<WeightsError>,
    },
    /// A tensor of the network is not given.
    #[error("{name} is missing; expected shape {expected:?}")]
    Missing {
        /// Name of the tensor.
        name: String,
        /// Its shape in PyTorch.
        expected: Vec<usize>,
    },
    /// A checkpoint does not have these tensors of the network.
    #[error(
        "{} of {own} tensors of the network are missing: {missing}; not used: {found}{}",
        missing.0.len(),
        if *only_head { "; weights.head = false keeps the initial head" } else { "" }
    )]
    MissingOf {
        /// The tensors of the network that the checkpoint does not have.
        missing: Listed,
        /// Number of tensors of the network.
        own: usize,
        /// The tensors of the checkpoint that the network does not have.
        found: Listed,
        /// Whether only tensors of the head are missing.
        only_head: bool,
    },
    /// The weights of a checkpoint have tensors that the network does not have.
    #[error("the network has no tensors {}; weights.ignore_unknown = true leaves them out", few(names))]
    NotOfNetwork {
        /// Their names.
        names: Vec<String>,
    },
    /// The network does not have these tensors.
    #[error("the network has no tensors {}", few(names))]
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
    /// A tensor of the head has the wrong shape, usually because the checkpoint has other classes.
    #[error(
        "{name} has shape {shape:?}; expected {expected:?}; weights.head = false leaves out a head for other classes"
    )]
    Head {
        /// Name of the tensor.
        name: String,
        /// The given shape.
        shape: Vec<usize>,
        /// Its shape in PyTorch.
        expected: Vec<usize>,
    },
    /// A tensor cannot be read as numbers.
    #[error("{name} is {what}; expected a tensor of finite numbers")]
    NotNumbers {
        /// Name of the tensor.
        name: String,
        /// What it is.
        what: String,
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
    /// A checkpoint has no tensors of the network at the given path.
    #[error("no tensors of the network below {prefix:?} (weights.prefix); the file has {names}")]
    Prefix {
        /// The path.
        prefix: String,
        /// The tensors of the file.
        names: Listed,
    },
    /// Weights at two paths of a checkpoint fit the network equally well.
    #[error("two sets of weights fit equally well, at {} and at {}; choose one with weights.prefix", paths[0], paths[1])]
    Ambiguous {
        /// Two paths in the file.
        paths: [String; 2],
    },
    /// The checkpoint is of another network.
    #[error("{error}; the checkpoint is of {found}; the network of the recipe is {own}")]
    OtherNetwork {
        /// What does not fit.
        error: Box<WeightsError>,
        /// The network of the checkpoint.
        found: String,
        /// The network to load it into.
        own: String,
    },
    /// torchvision has no transformer of this form.
    #[error(
        "torchvision has no name for {name}: its transformers have pool = \"token\", qkv_bias = true and head = \"linear\"; \
         use timm's names"
    )]
    Names {
        /// Name of the tensor in timm.
        name: String,
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
    /// A file has the wrong content.
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

impl WeightsError {
    /// The same with the name of the file that the weights are from, unless it has it already.
    #[must_use]
    pub fn in_file(self, path: &Path) -> WeightsError {
        match self {
            WeightsError::File { .. } | WeightsError::Format { .. } | WeightsError::Store(_) => self,
            error => WeightsError::File { path: path.to_owned(), error: Box::new(error) },
        }
    }
}

fn grid_in_words(grid: Option<[usize; 2]>) -> String {
    match grid {
        Some([rows, columns]) => format!("a grid of {rows} x {columns} (weights.grid)"),
        None => "a square grid; for another one set weights.grid = [rows, columns]".to_owned(),
    }
}
