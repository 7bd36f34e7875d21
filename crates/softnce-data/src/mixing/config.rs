//! Settings of the mixing.

use serde::{Deserialize, Serialize};
use softnce::Warning;

/// How pictures and their targets are mixed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MixingConfig {
    /// MixUp draws its weights from `Beta(mixup, mixup)`; 0: no MixUp. Default: 0.
    pub mixup: f64,
    /// CutMix draws its weights from `Beta(cutmix, cutmix)`; 0: no CutMix. Default: 0.
    pub cutmix: f64,
    /// Probability that a batch, a pair or a picture (see `mode`) is mixed at all. Default: 1.
    pub probability: f64,
    /// Share of CutMix if both MixUp and CutMix are on. Default: 0.5.
    pub switch_probability: f64,
    /// What shares one draw. Default: `"element"`.
    pub mode: Mode,
    /// Which picture a picture is mixed with. Default: `"flip"`.
    pub partner: Partner,
    /// Label smoothing: the share of each target that is spread over all classes. Default: 0.
    pub smoothing: f64,
}

/// What shares one draw of method, weight and rectangle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// The whole batch. With that batch as the only candidates the loss may then have no finite optimum:
    /// [`MixingConfig::warns_of_degeneracy`].
    Batch,
    /// A picture and its partner.
    Pair,
    /// Nothing: each picture has its own draw.
    #[default]
    Element,
}

/// Which picture a picture is mixed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Partner {
    /// Row i with row n - 1 - i, as in timm. The loader shuffles batches, so the partner is random too.
    #[default]
    Flip,
    /// A random permutation: each picture is the partner of exactly one (in mode `pair`, of its own partner).
    Shuffle,
}

impl Default for MixingConfig {
    fn default() -> Self {
        MixingConfig {
            mixup: 0.0,
            cutmix: 0.0,
            probability: 1.0,
            switch_probability: 0.5,
            mode: Mode::default(),
            partner: Partner::default(),
            smoothing: 0.0,
        }
    }
}

impl MixingConfig {
    /// Whether anything is mixed at all.
    pub fn mixes(&self) -> bool {
        (self.mixup > 0.0 || self.cutmix > 0.0) && self.probability > 0.0
    }

    /// The warning that soft target InfoNCE may have no finite optimum: one weight for the whole batch, and no
    /// candidates but that batch's targets. Log it before a run.
    pub fn warns_of_degeneracy(&self, candidates_beyond_the_batch: bool) -> Option<Warning> {
        (self.mode == Mode::Batch && self.mixes() && !candidates_beyond_the_batch)
            .then_some(Warning::SharedMixingWeight)
    }
}
