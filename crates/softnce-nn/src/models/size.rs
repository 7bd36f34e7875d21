//! Sizes of layers, computed without building them.

use std::iter::Sum;

/// Size of a layer, or of several.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct LayerSize {
    /// Weights and biases.
    pub(super) parameters: usize,
    /// Floats that a training pass keeps for the backward pass, per sample.
    pub(super) activations: usize,
}

impl Sum for LayerSize {
    fn sum<I: Iterator<Item = LayerSize>>(layers: I) -> LayerSize {
        layers.fold(LayerSize::default(), |sum, layer| LayerSize {
            parameters: sum.parameters.saturating_add(layer.parameters),
            activations: sum.activations.saturating_add(layer.activations),
        })
    }
}
