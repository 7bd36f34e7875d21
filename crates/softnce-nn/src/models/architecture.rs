//! What every kind of network tells the rest of the crate.

use burn::tensor::Tensor;

use super::error::NetworkError;
use super::freeze::Freeze;
use super::layers::{BatchNorm, ForwardPass};
use super::library::Library;
use super::size::LayerSize;
use crate::onnx::{Graph, Value};
use crate::ops::OperationError;

/// A kind of network, for the help, the documents and the tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NetworkKind {
    /// The value of `kind` in a configuration, such as `resnet`.
    pub name: &'static str,
    /// What it is, in a few words.
    pub title: &'static str,
    /// A small configuration as JSON, with its `kind`.
    pub example: &'static str,
}

/// What the configuration of a network tells before the network is built.
///
/// # Shapes
/// `input`: channels, height and width of the pictures. The methods other than `check` are called on configurations
/// that passed it.
pub(super) trait Architecture {
    /// Its kind.
    fn kind(&self) -> &'static NetworkKind;

    /// Whether a network can be built.
    ///
    /// # Errors
    /// [`NetworkError::Argument`] for the first number out of its range.
    fn check(&self, input: [usize; 3]) -> Result<(), NetworkError>;

    /// Sizes of the layers that [`Body::layers`] counts, in order. The last one includes the head.
    ///
    /// # Errors
    /// As `check`.
    fn layers(&self, input: [usize; 3], classes: usize) -> Result<Vec<LayerSize>, NetworkError>;

    /// Size of the classification head alone.
    ///
    /// # Errors
    /// As `check`.
    fn head(&self, input: [usize; 3], classes: usize) -> Result<LayerSize, NetworkError>;

    /// The layers that keep their weights in training.
    fn freeze(&self) -> Option<Freeze> {
        None
    }

    /// Lines of Python that make the network in evaluation as `model`, with timm or torchvision, and load `weights`, a
    /// dictionary of its tensors with the names of this library. They may use `torch`, `torchvision`, `timm`, `functools`
    /// and `collections`.
    ///
    /// # Errors
    /// As `check`; a network that the library does not have.
    fn python(&self, input: [usize; 3], classes: usize, names: Library) -> Result<Vec<String>, NetworkError>;

    /// The network in words, such as `residual network of 20 layers`.
    fn describe(&self, input: [usize; 3], classes: usize) -> String;
}

/// What a built network tells: its output, and what its parameters are.
pub(crate) trait Body {
    /// Class logits.
    ///
    /// # Shapes
    /// `[N, C, H, W]` to `[N, classes]`.
    ///
    /// # Errors
    /// Pictures of a size that does not fit the network.
    fn forward(&self, pictures: Tensor<4>, pass: &mut ForwardPass) -> Result<Tensor<2>, OperationError>;

    /// The operations of [`Body::forward`] in evaluation, with the names of the tensors, for ONNX.
    fn graph(&self, graph: &mut Graph, pictures: Value) -> Value;

    /// The batch normalisations with their names, in the order of the forward pass.
    fn batch_norms(&mut self) -> Vec<(String, &mut BatchNorm)> {
        Vec::new()
    }

    /// Makes the frozen parts work as in evaluation; `frozen` says of a parameter's name whether it is frozen.
    fn freeze(&mut self, frozen: &dyn Fn(&str) -> bool) {
        for (name, norm) in self.batch_norms() {
            norm.set_frozen(frozen(&format!("{name}.weight")));
        }
    }

    /// Number of layers for layer-wise learning rates.
    fn layers(&self) -> usize;

    /// The layer of the parameter of this name, from 0; `None` for the last one.
    fn layer_of(&self, name: &str) -> Option<usize>;

    /// Whether the parameter of this name belongs to the classification head.
    fn is_head(&self, name: &str) -> bool;

    /// PyTorch's shape of a parameter that is neither the transpose of the one here (two axes) nor the same (others).
    fn torch_shape(&self, _name: &str) -> Option<Vec<usize>> {
        None
    }

    /// Rows and columns of the grid that the position embeddings lie on; `None` without position embeddings.
    fn embedded_grid(&self) -> Option<[usize; 2]> {
        None
    }

    /// Whether the head sees the mean over the patches, normalised by `fc_norm`.
    fn pools_by_mean(&self) -> bool {
        false
    }
}

/// The number after `prefix.` at the start of a name: 3 in `blocks.3.norm1.bias` for `blocks`.
pub(super) fn number_after(prefix: &str, name: &str) -> Option<usize> {
    name.strip_prefix(prefix)?.strip_prefix('.')?.split('.').next()?.parse().ok()
}
