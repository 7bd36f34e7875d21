//! How an optimiser treats a parameter, by its name.

use crate::models::Network;

/// Number of layers for layer-wise learning rates (Clark et al., arXiv 2003.10555; Bao et al., arXiv 2106.08254): in a
/// transformer the embeddings, each block, and norm and head together; in a residual network the stem, each block, and
/// the head; in a perceptron its linear layers.
///
/// With a decay d, the learning rate of layer i is `d^(layers - 1 - i)` times that of the head.
pub fn layers(network: &Network) -> usize {
    network.body().layers()
}

/// The layer of a parameter, from 0 to `layers - 1`. A parameter of no other layer is in the last.
pub fn layer_of(network: &Network, name: &str) -> usize {
    let last = layers(network).saturating_sub(1);
    network.body().layer_of(name).map_or(last, |layer| layer.min(last))
}

/// Whether weight decay applies to a parameter: not to vectors (biases, norms), position embeddings and class tokens.
pub fn decays(name: &str, shape: &[usize]) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    shape.len() > 1 && !["bias", "pos_embed", "cls_token"].contains(&last)
}
