//! The vision transformer (Dosovitskiy et al., arXiv 2010.11929), as timm's `VisionTransformer`.

mod block;
mod build;
mod config;
mod patches;

use burn::module::{Module, Param};
use burn::tensor::Tensor;

use block::Block;
pub use config::{Pool, VitConfig, VitPreset};
use patches::PatchEmbed;

use super::layers::{BatchNorm, Head, LayerNorm, Pass};

/// A vision transformer; see [`VitConfig`].
#[derive(Module, Debug)]
pub struct Vit {
    /// `[1, 1, D]`.
    cls_token: Param<Tensor<3>>,
    /// `[1, 1 + patches, D]`, the class token's first.
    pos_embed: Param<Tensor<3>>,
    patch_embed: PatchEmbed,
    blocks: Vec<Block>,
    /// Before the class token is taken.
    norm: Option<LayerNorm>,
    /// After the mean over the patches.
    fc_norm: Option<LayerNorm>,
    head: Head,
}

impl Vit {
    pub(super) fn forward(&self, pictures: Tensor<4>, pass: &mut Pass) -> Tensor<2> {
        let patches = self.patch_embed.forward(pictures);
        let [rows, count, width] = patches.dims();
        let class = self.cls_token.val().expand([rows, 1, width]);
        let tokens = Tensor::cat(vec![class, patches], 1) + self.pos_embed.val();
        let tokens = self.blocks.iter().fold(tokens, |tokens, block| block.forward(tokens, pass));
        // The norms treat each token alone: the class token can be taken before its norm.
        let pooled = match (&self.norm, &self.fc_norm) {
            (Some(norm), _) => norm.forward(tokens.narrow(1, 0, 1)),
            (None, Some(norm)) => norm.forward(tokens.narrow(1, 1, count).mean_dim(1)),
            (None, None) => tokens.narrow(1, 0, 1),
        };
        self.head.forward(pooled.squeeze_dim(1), pass)
    }

    pub(super) fn batch_norms(&mut self) -> Vec<(String, &mut BatchNorm)> {
        self.head.batch_norms("head")
    }

    /// Number of blocks.
    pub(crate) fn depth(&self) -> usize {
        self.blocks.len()
    }

    /// Whether the head sees the mean over the patches.
    pub(crate) fn pools_by_mean(&self) -> bool {
        self.fc_norm.is_some()
    }

    /// Side of a patch, and channels of the pictures.
    pub(crate) fn patch(&self) -> (usize, usize) {
        (self.patch_embed.patch(), self.patch_embed.channels())
    }

    /// Rows and columns of patches.
    pub(crate) fn grid(&self) -> [usize; 2] {
        self.patch_embed.grid()
    }
}
