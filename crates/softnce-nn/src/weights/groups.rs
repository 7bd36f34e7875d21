//! How an optimiser treats a parameter, by its name.

use crate::models::Network;

/// Number of layers for layer-wise learning rates (Clark et al., arXiv 2003.10555; Bao et al., arXiv 2106.08254): in a
/// transformer the embeddings, each block, and norm and head together; in a residual network the stem, each block, and
/// the head; in a perceptron its linear layers.
///
/// With a decay d, layer i learns at the rate `d^(layers - 1 - i)` times the head's.
pub fn layers(network: &Network) -> usize {
    match network {
        Network::Mlp(mlp) => mlp.depth(),
        Network::Resnet(resnet) => resnet.blocks().iter().sum::<usize>() + 2,
        Network::Vit(vit) => vit.depth() + 2,
    }
}

/// The layer of a parameter, from 0 to `layers - 1`, as MAE's fine-tuning counts: whatever belongs to neither the
/// embeddings nor a block is in the last.
pub fn layer_of(network: &Network, name: &str) -> usize {
    let last = layers(network).saturating_sub(1);
    let mut parts = name.split('.');
    let (first, second) = (parts.next().unwrap_or_default(), parts.next().and_then(|part| part.parse::<usize>().ok()));
    let layer = match (network, first, second) {
        (Network::Mlp(_), "layers", Some(number)) => number,
        (Network::Resnet(_), "conv1" | "bn1", _) => 0,
        (Network::Resnet(resnet), _, Some(number)) => match first.strip_prefix("layer").map(str::parse::<usize>) {
            Some(Ok(layer)) => {
                resnet.blocks().iter().take(layer.saturating_sub(1)).sum::<usize>().saturating_add(number + 1)
            }
            _ => last,
        },
        (Network::Vit(_), "cls_token" | "pos_embed" | "patch_embed", _) => 0,
        (Network::Vit(_), "blocks", Some(number)) => number.saturating_add(1),
        _ => last,
    };
    layer.min(last)
}

/// Whether weight decay applies: not to vectors (biases, norms), position embeddings and class tokens.
pub fn decays(name: &str, shape: &[usize]) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    shape.len() > 1 && !["bias", "pos_embed", "cls_token"].contains(&last)
}
