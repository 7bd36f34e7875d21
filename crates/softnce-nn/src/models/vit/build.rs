//! Builds a vision transformer from its configuration, or computes its size alone.

use super::block::TransformerBlock;
use super::config::Sizes;
use super::patches::PatchEmbed;
use super::{Pool, Vit, VitConfig};
use crate::models::architecture::{Architecture, NetworkKind};
use crate::models::error::NetworkError;
use crate::models::freeze::Freeze;
use crate::models::layers::{HeadConfig, Init, LayerNorm, Linear};
use crate::models::library::Library;
use crate::models::size::LayerSize;

impl VitConfig {
    fn patches(&self, input: [usize; 3]) -> usize {
        (input[1] / self.patch) * (input[2] / self.patch)
    }

    pub(super) fn head_config(&self, width: usize, classes: usize) -> HeadConfig {
        let hidden = self.head_width.unwrap_or(width);
        HeadConfig { kind: self.head, inputs: width, hidden, classes, std: Some(self.head_std) }
    }

    pub(in crate::models) fn init(
        &self,
        input: [usize; 3],
        classes: usize,
        init: &mut Init,
    ) -> Result<Vit, NetworkError> {
        let sizes = self.sizes()?;
        let Sizes { width, depth, .. } = sizes;
        let rate = |number: usize| self.drop_path * number as f64 / depth.saturating_sub(1).max(1) as f64;
        Ok(Vit {
            cls_token: init.normal(1e-6, [1, 1, width]),
            pos_embed: init.truncated(0.02, [1, 1 + self.patches(input), width]),
            patch_embed: PatchEmbed::new(input, self.patch, width, init),
            blocks: (0..depth)
                .map(|number| TransformerBlock::new(&sizes, self.qkv_bias, self.epsilon, rate(number), init))
                .collect(),
            norm: (self.pool == Pool::Token).then(|| LayerNorm::new(width, self.epsilon, init)),
            fc_norm: (self.pool == Pool::Mean).then(|| LayerNorm::new(width, self.epsilon, init)),
            head: self.head_config(width, classes).init(init),
        })
    }
}

impl Architecture for VitConfig {
    fn kind(&self) -> &'static NetworkKind {
        &Vit::KIND
    }

    fn check(&self, input: [usize; 3]) -> Result<(), NetworkError> {
        self.check_sizes(input)
    }

    /// A block keeps the inputs of two norms, four linear layers and GELU, the queries, keys and values, and the
    /// attention probabilities.
    fn layers(&self, input: [usize; 3], classes: usize) -> Result<Vec<LayerSize>, NetworkError> {
        let Sizes { width, depth, heads, hidden } = self.sizes()?;
        let tokens = 1 + self.patches(input);
        let embeddings = LayerSize {
            parameters: width + tokens * width + Linear::count(input[0] * self.patch * self.patch, width),
            activations: input.iter().product(),
        };
        let qkv = 3 * width * if self.qkv_bias { width + 1 } else { width };
        let probabilities = tokens.saturating_mul(tokens).saturating_mul(heads);
        let block = LayerSize {
            parameters: 4 * width
                + qkv
                + Linear::count(width, width)
                + Linear::count(width, hidden)
                + Linear::count(hidden, width),
            activations: (tokens * (8 * width + 2 * hidden)).saturating_add(probabilities),
        };
        let norm = LayerSize { parameters: 2 * width, activations: 2 * width };
        let last = [norm, self.head_config(width, classes).size()].into_iter().sum();
        Ok(std::iter::once(embeddings).chain(std::iter::repeat_n(block, depth)).chain([last]).collect())
    }

    fn head(&self, _: [usize; 3], classes: usize) -> Result<LayerSize, NetworkError> {
        Ok(self.head_config(self.sizes()?.width, classes).size())
    }

    fn freeze(&self) -> Option<Freeze> {
        self.freeze
    }

    fn python(&self, input: [usize; 3], classes: usize, names: Library) -> Result<Vec<String>, NetworkError> {
        match names {
            Library::Timm => self.in_timm(input, classes),
            Library::Torchvision => self.in_torchvision(input, classes),
        }
    }

    fn describe(&self, _: [usize; 3], _: usize) -> String {
        let size = match self.preset {
            Some(preset) => preset.name().to_owned(),
            None => format!("width {}, depth {}", self.width.unwrap_or(0), self.depth.unwrap_or(0)),
        };
        format!("vision transformer ({size}) on patches of {} x {}", self.patch, self.patch)
    }
}
