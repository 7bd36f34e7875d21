//! The data and the network of a recipe in words.

use softnce_data::sets::Layout;
use softnce_nn::models::{NetworkConfig, VitPreset};

use crate::recipe::Recipe;

/// Name and origin of the data.
pub(super) fn data(recipe: &Recipe) -> String {
    let section = &recipe.data;
    if let Some(origin) = section.layout.and_then(Layout::origin) {
        return origin.to_owned();
    }
    let name = section.path.as_ref().map_or_else(|| recipe.name.clone(), |path| path.display().to_string());
    match section.imbalance {
        Some(imbalance) => format!("{name}, its training classes thinned to a long tail of {imbalance} to 1"),
        None => name,
    }
}

/// The network.
pub(super) fn network(config: &NetworkConfig, input: [usize; 3], classes: usize) -> String {
    match config {
        NetworkConfig::Mlp(mlp) => {
            let inner = mlp.hidden.iter().copied();
            let widths = std::iter::once(input.iter().product()).chain(inner).chain([classes]);
            let widths: Vec<String> = widths.map(|width| width.to_string()).collect();
            format!("multilayer perceptron of widths {} with ReLU", widths.join("-"))
        }
        NetworkConfig::Resnet(resnet) => format!("residual network of {} layers", resnet.depth),
        NetworkConfig::Vit(vit) => {
            let size = match vit.preset {
                Some(VitPreset::Tiny) => "tiny".to_owned(),
                Some(VitPreset::Small) => "small".to_owned(),
                Some(VitPreset::Base) => "base".to_owned(),
                None => format!("width {}, depth {}", vit.width.unwrap_or(0), vit.depth.unwrap_or(0)),
            };
            format!("vision transformer ({size}) on patches of {} x {}", vit.patch, vit.patch)
        }
    }
}
