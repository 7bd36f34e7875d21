//! The keys of a recipe that sentences depend on. Other keys are not read; a key that is absent is not known.

use serde::Deserialize;
use serde::de::IgnoredAny;

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Keys {
    pub(super) data: Data,
    pub(super) augmentation: Augmentation,
    pub(super) mixing: Option<Mixing>,
    pub(super) candidates: Candidates,
    pub(super) network: Network,
    pub(super) weights: Option<Weights>,
    pub(super) loss: Loss,
    pub(super) optimizer: Optimizer,
    pub(super) training: Training,
    pub(super) evaluation: Evaluation,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Data {
    pub(super) train_part: Option<String>,
    pub(super) test_share: Option<f64>,
    pub(super) validation_share: Option<f64>,
    pub(super) train_labels: Option<IgnoredAny>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Augmentation {
    pub(super) train: TrainAugmentation,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct TrainAugmentation {
    random_crop: Option<IgnoredAny>,
    random_resized_crop: Option<IgnoredAny>,
    flip: f64,
    rand_augment: Option<IgnoredAny>,
    erasing: Option<IgnoredAny>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Mixing {
    pub(super) mixup: f64,
    pub(super) cutmix: f64,
    pub(super) probability: f64,
    pub(super) smoothing: f64,
}

impl Default for Mixing {
    fn default() -> Self {
        Mixing { mixup: 0.0, cutmix: 0.0, probability: 1.0, smoothing: 0.0 }
    }
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Candidates {
    pub(super) kind: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Network {
    pub(super) drop_path: Option<f64>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Weights {
    pub(super) head: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Loss {
    pub(super) logit_adjustment: Option<f64>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Optimizer {
    pub(super) average: Option<f64>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Training {
    pub(super) patience: Option<usize>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Evaluation {
    pub(super) best: Option<bool>,
}

impl Keys {
    pub(super) fn mixes(&self) -> bool {
        let mixes = |mixing: &Mixing| (mixing.mixup > 0.0 || mixing.cutmix > 0.0) && mixing.probability > 0.0;
        self.mixing.as_ref().is_some_and(mixes)
    }

    pub(super) fn smooths(&self) -> bool {
        self.mixing.as_ref().is_some_and(|mixing| mixing.smoothing > 0.0)
    }
}

impl TrainAugmentation {
    pub(super) fn is_random(&self) -> bool {
        let operations = [&self.random_crop, &self.random_resized_crop, &self.rand_augment, &self.erasing];
        self.flip > 0.0 || operations.into_iter().any(Option::is_some)
    }
}

impl Candidates {
    pub(super) fn beyond_batch(&self) -> bool {
        self.kind.as_deref().is_some_and(|kind| kind != "batch")
    }
}
