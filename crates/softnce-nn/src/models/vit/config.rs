//! Configuration of a vision transformer.

use serde::{Deserialize, Serialize};

use crate::models::error::{NetworkError, between};
use crate::models::freeze::Freeze;
use crate::models::layers::HeadKind;

/// Sizes by name (Touvron et al., arXiv 2012.12877, and Dosovitskiy et al., arXiv 2010.11929).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VitPreset {
    /// Width 192, depth 12, 3 heads.
    Tiny,
    /// Width 384, depth 12, 6 heads.
    Small,
    /// Width 768, depth 12, 12 heads.
    Base,
    /// Width 1024, depth 24, 16 heads.
    Large,
    /// Width 1280, depth 32, 16 heads.
    Huge,
}

impl VitPreset {
    /// Its name in a configuration.
    pub(super) fn name(self) -> &'static str {
        match self {
            VitPreset::Tiny => "tiny",
            VitPreset::Small => "small",
            VitPreset::Base => "base",
            VitPreset::Large => "large",
            VitPreset::Huge => "huge",
        }
    }

    /// Width, depth and heads.
    fn sizes(self) -> (usize, usize, usize) {
        match self {
            VitPreset::Tiny => (192, 12, 3),
            VitPreset::Small => (384, 12, 6),
            VitPreset::Base => (768, 12, 12),
            VitPreset::Large => (1024, 24, 16),
            VitPreset::Huge => (1280, 32, 16),
        }
    }
}

/// What the head sees.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pool {
    /// The class token, normalised by `norm`.
    #[default]
    Token,
    /// The mean over the patches, then normalised by `fc_norm`, as MAE's `global_pool` and timm's `avg`. The class
    /// token still takes part in attention.
    Mean,
}

/// Configuration of a [`Vit`](super::Vit). `width`, `depth` and `heads` override the preset's values; without a preset
/// all three are needed.
///
/// Weights are initialised as timm's: linear layers and position embeddings from `N(0, 0.02^2)`, the class token from
/// `N(0, 1e-12)`, biases 0, the patch projection from `U(-k, k)` with `k = 1 / sqrt(C p^2)`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VitConfig {
    /// Side of a patch in pixels; it must divide the pictures' height and width.
    pub patch: usize,
    /// Sizes by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preset: Option<VitPreset>,
    /// Width of a token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<usize>,
    /// Number of blocks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub depth: Option<usize>,
    /// Number of attention heads; it must divide the width.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heads: Option<usize>,
    /// Width of the hidden layer of a block divided by the width of a token.
    #[serde(default = "four")]
    pub mlp_ratio: f64,
    /// Probability that the last block drops a branch, in `[0, 1)`; it rises linearly from 0 at the first block.
    #[serde(default)]
    pub drop_path: f64,
    /// What the head sees.
    #[serde(default)]
    pub pool: Pool,
    /// Whether queries, keys and values have a bias.
    #[serde(default = "yes")]
    pub qkv_bias: bool,
    /// Added to the variance in layer normalisation.
    #[serde(default = "small")]
    pub epsilon: f64,
    /// Kind of the head.
    #[serde(default)]
    pub head: HeadKind,
    /// Width of the hidden layers of an MLP head; default: the width of a token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head_width: Option<usize>,
    /// Standard deviation of the initial weight of the head's last layer.
    #[serde(default = "head_std")]
    pub head_std: f64,
    /// Layers that keep their weights in training. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub freeze: Option<Freeze>,
}

fn four() -> f64 {
    4.0
}

fn yes() -> bool {
    true
}

fn small() -> f64 {
    1e-6
}

fn head_std() -> f64 {
    2e-5
}

/// The sizes after the preset is filled in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes {
    pub(super) width: usize,
    pub(super) depth: usize,
    pub(super) heads: usize,
    /// Width of the hidden layer of a block.
    pub(super) hidden: usize,
}

impl VitConfig {
    /// A preset, everything else at its default.
    pub fn preset(preset: VitPreset, patch: usize) -> VitConfig {
        VitConfig { preset: Some(preset), ..VitConfig::plain(patch) }
    }

    /// These sizes, everything else at its default.
    pub fn explicit(width: usize, depth: usize, heads: usize, patch: usize) -> VitConfig {
        VitConfig { width: Some(width), depth: Some(depth), heads: Some(heads), ..VitConfig::plain(patch) }
    }

    fn plain(patch: usize) -> VitConfig {
        VitConfig {
            patch,
            preset: None,
            width: None,
            depth: None,
            heads: None,
            mlp_ratio: four(),
            drop_path: 0.0,
            pool: Pool::default(),
            qkv_bias: yes(),
            epsilon: small(),
            head: HeadKind::default(),
            head_width: None,
            head_std: head_std(),
            freeze: None,
        }
    }

    pub(super) fn sizes(&self) -> Result<Sizes, NetworkError> {
        let preset = self.preset.map(VitPreset::sizes);
        let pick = |argument, own: Option<usize>, preset: Option<usize>| {
            own.or(preset).ok_or_else(|| NetworkError::argument(argument, "not given", "a number, or a preset"))
        };
        let width = pick("width", self.width, preset.map(|sizes| sizes.0))?;
        let depth = pick("depth", self.depth, preset.map(|sizes| sizes.1))?;
        let heads = pick("heads", self.heads, preset.map(|sizes| sizes.2))?;
        Ok(Sizes { width, depth, heads, hidden: (width as f64 * self.mlp_ratio) as usize })
    }

    pub(super) fn check_sizes(&self, input: [usize; 3]) -> Result<(), NetworkError> {
        let Sizes { width, depth, heads, hidden } = self.sizes()?;
        between("width", width, 1, 1 << 14)?;
        between("depth", depth, 1, 1000)?;
        between("heads", heads, 1, width)?;
        if width % heads != 0 {
            return Err(NetworkError::argument("heads", heads, format!("a divisor of the width {width}")));
        }
        if !(self.mlp_ratio > 0.0 && (1..=1 << 16).contains(&hidden)) {
            let expected = format!("a number that makes 1 to 65536 of the width {width}");
            return Err(NetworkError::argument("mlp_ratio", self.mlp_ratio, expected));
        }
        let [_, height, across] = input;
        between("patch", self.patch, 1, height.min(across))?;
        if height % self.patch != 0 || across % self.patch != 0 {
            let expected = format!("a divisor of the pictures' height {height} and width {across}");
            return Err(NetworkError::argument("patch", self.patch, expected));
        }
        if !(0.0..1.0).contains(&self.drop_path) {
            return Err(NetworkError::argument("drop_path", self.drop_path, "0 or more, below 1"));
        }
        if !(self.epsilon > 0.0 && self.epsilon.is_finite()) {
            return Err(NetworkError::argument("epsilon", self.epsilon, "above 0"));
        }
        if !(self.head_std >= 0.0 && self.head_std <= 1.0) {
            return Err(NetworkError::argument("head_std", self.head_std, "0 to 1"));
        }
        self.head_width.map_or(Ok(()), |width| between("head_width", width, 1, 1 << 14))
    }
}
