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

    /// The spread of the targets, as a share of the spread of one-hot targets: 1 without mixing and smoothing, 0 if all
    /// targets are equal. The spread is the mean squared distance of a target from the mean target, the trace of their
    /// covariance. With smoothing `b` and mixing weight `lambda` it is `(1 - b)^2 E[lambda^2 + (1 - lambda)^2]`, whatever
    /// the number of classes, if all classes are equally frequent and the two pictures are drawn independently.
    ///
    /// For `lambda ~ Beta(a, a)`, `E[lambda^2 + (1 - lambda)^2] = (a + 1) / (2 a + 1)`: 2/3 for the uniform distribution.
    /// The weights of CutMix are a little nearer to 1/2 where the picture's edge clips the rectangle. This is left out; at
    /// `cutmix = 1` it lowers 0.667 to 0.636.
    ///
    /// Where all logits are 0, it is also the curvature of soft target InfoNCE at temperature 1, as a share of the
    /// curvature of cross-entropy. A temperature of this value brings the optimum of both losses to the same logits, to
    /// second order in the logits.
    pub fn target_spread(&self) -> f64 {
        let kept = |alpha: f64| (alpha + 1.0) / (2.0 * alpha + 1.0);
        let cutmix_share = match (self.mixup > 0.0, self.cutmix > 0.0) {
            (true, true) => self.switch_probability,
            (false, true) => 1.0,
            _ => 0.0,
        };
        // A parameter of 0 switches its method off; kept(0) is 1.
        let mixed = cutmix_share * kept(self.cutmix) + (1.0 - cutmix_share) * kept(self.mixup);
        (1.0 - self.smoothing).powi(2) * (1.0 - self.probability * (1.0 - mixed))
    }
}
