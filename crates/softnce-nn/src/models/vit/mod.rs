//! The vision transformer (Dosovitskiy et al., arXiv 2010.11929), equal to timm's `VisionTransformer`.

mod block;
mod build;
mod config;
mod patches;
mod python;

use burn::module::{Module, Param};
use burn::tensor::Tensor;

use block::TransformerBlock;
pub use config::{Pool, VitConfig, VitPreset};
use patches::PatchEmbed;

use super::architecture::{Body, NetworkKind, number_after};
use super::layers::{BatchNorm, ClassifierHead, ForwardPass, LayerNorm};
use crate::onnx::{Graph, Value};
use crate::ops::OperationError;

/// A vision transformer; see [`VitConfig`].
#[derive(Module, Debug)]
pub struct Vit {
    /// `[1, 1, D]`.
    cls_token: Param<Tensor<3>>,
    /// `[1, 1 + patches, D]`; the first is for the class token.
    pos_embed: Param<Tensor<3>>,
    patch_embed: PatchEmbed,
    blocks: Vec<TransformerBlock>,
    /// Normalisation of the class token; `None` if the head sees the mean.
    norm: Option<LayerNorm>,
    /// Normalisation of the mean over the patches; `None` if the head sees the class token.
    fc_norm: Option<LayerNorm>,
    head: ClassifierHead,
}

impl Vit {
    pub(super) const KIND: NetworkKind = NetworkKind {
        name: "vit",
        title: "Vision transformer",
        example: r#"{"kind": "vit", "patch": 4, "width": 12, "depth": 2, "heads": 3, "head_std": 0.02}"#,
    };
}

impl Body for Vit {
    fn forward(&self, pictures: Tensor<4>, pass: &mut ForwardPass) -> Result<Tensor<2>, OperationError> {
        let patches = self.patch_embed.forward(pictures)?;
        let [rows, count, width] = patches.dims();
        let class = self.cls_token.val().expand([rows, 1, width]);
        let tokens = Tensor::cat(vec![class, patches], 1) + self.pos_embed.val();
        let tokens = self.blocks.iter().try_fold(tokens, |tokens, block| block.forward(tokens, pass))?;
        // The norm treats each token separately, so the class token can be taken before it.
        let pooled = match (&self.norm, &self.fc_norm) {
            (Some(norm), _) => norm.forward(tokens.narrow(1, 0, 1))?,
            (None, Some(norm)) => norm.forward(tokens.narrow(1, 1, count).mean_dim(1))?,
            (None, None) => tokens.narrow(1, 0, 1),
        };
        self.head.forward(pooled.squeeze_dim(1), pass)
    }

    fn graph(&self, graph: &mut Graph, pictures: Value) -> Value {
        let patches = self.patch_embed.graph(graph, "patch_embed.proj", pictures);
        let tokens = graph.with_token("cls_token", patches);
        let positions = graph.weight("pos_embed");
        let tokens = graph.add(tokens, positions);
        let blocks = self.blocks.iter().enumerate();
        let tokens =
            blocks.fold(tokens, |tokens, (number, block)| block.graph(graph, &format!("blocks.{number}"), tokens));
        let pooled = match (&self.norm, &self.fc_norm) {
            (Some(norm), _) => {
                let class = graph.first_token(tokens);
                norm.graph(graph, "norm", class)
            }
            (None, Some(norm)) => {
                let mean = graph.mean_of_patches(tokens);
                norm.graph(graph, "fc_norm", mean)
            }
            (None, None) => graph.first_token(tokens),
        };
        self.head.graph(graph, "head", pooled)
    }

    fn batch_norms(&mut self) -> Vec<(String, &mut BatchNorm)> {
        self.head.batch_norms("head")
    }

    fn freeze(&mut self, frozen: &dyn Fn(&str) -> bool) {
        for (number, block) in self.blocks.iter_mut().enumerate() {
            if frozen(&format!("blocks.{number}.norm1.weight")) {
                block.drop_none();
            }
        }
    }

    /// The embeddings, each block, norm and head together: as MAE's fine-tuning counts.
    fn layers(&self) -> usize {
        self.blocks.len() + 2
    }

    fn layer_of(&self, name: &str) -> Option<usize> {
        let embeds = ["cls_token", "pos_embed", "patch_embed."].iter().any(|prefix| name.starts_with(prefix));
        if embeds { Some(0) } else { number_after("blocks", name).map(|block| block.saturating_add(1)) }
    }

    fn is_head(&self, name: &str) -> bool {
        name.starts_with("head.")
    }

    /// The projection of the patches is a convolution in PyTorch.
    fn torch_shape(&self, name: &str) -> Option<Vec<usize>> {
        (name == "patch_embed.proj.weight").then(|| self.patch_embed.torch_shape())
    }

    fn embedded_grid(&self) -> Option<[usize; 2]> {
        Some(self.patch_embed.grid())
    }

    fn pools_by_mean(&self) -> bool {
        self.fc_norm.is_some()
    }
}
