//! The sections of a recipe.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use softnce::LossKind;
use softnce_data::labels::LabelSource;
use softnce_data::sets::{Layout, Split};

/// Pictures and labels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DataSection {
    /// The publisher's layout; none to tell it from the files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layout: Option<Layout>,
    /// Folder of the set, within the folder of all data unless absolute; none for the embedded set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
    /// The publisher's part that is trained on.
    pub train_part: Split,
    /// Share of that part to test on, class by class; none for the publisher's own part for testing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test_share: Option<f64>,
    /// Share of the training pictures held out for validation, class by class; 0 to look at the test pictures, which
    /// may then choose nothing.
    pub validation_share: f64,
    /// Seed of the splits and of the long tail.
    pub split_seed: u64,
    /// Largest class by smallest class of the training pictures, thinned to a long tail; none for all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub imbalance: Option<f64>,
    /// Label distributions of the training part, a row a picture; none for its class labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub train_labels: Option<LabelSource>,
    /// Label distributions of the part tested on, for the cross-entropy and the divergence to them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test_labels: Option<LabelSource>,
}

impl Default for DataSection {
    fn default() -> Self {
        DataSection {
            layout: None,
            path: None,
            train_part: Split::Train,
            test_share: None,
            validation_share: 0.1,
            split_seed: 0,
            imbalance: None,
            train_labels: None,
            test_labels: None,
        }
    }
}

/// Weights to start from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeightsSection {
    /// A checkpoint of MAE, timm, torchvision or this program: `.pth` or `.safetensors`.
    pub path: PathBuf,
    /// Whether its classification head is taken over too.
    #[serde(default)]
    pub head: bool,
}

/// Where the noise distribution of the contrastive losses comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoiseSource {
    /// Uniform over the classes.
    Uniform,
    /// The class frequencies of the training pictures.
    Frequencies,
}

/// The loss.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LossSection {
    /// Which loss of the family.
    pub kind: LossKind,
    /// Temperature of the loss and of the posterior; the starting value where it is learned.
    #[serde(default = "one")]
    pub temperature: f64,
    /// Whether the temperature is learned.
    #[serde(default)]
    pub learn_temperature: bool,
    /// Noise distribution.
    #[serde(default = "frequencies")]
    pub noise: NoiseSource,
    /// Power of the noise distribution: 1 as it is, 0 uniform.
    #[serde(default = "one")]
    pub alpha: f64,
    /// How much of the logarithm of the class frequencies is added to the logits in training; contrastive losses
    /// train without (logit-adjusted loss, Menon et al., arXiv 2007.07314); 1 is balanced softmax (Ren et al., arXiv
    /// 2007.10740), 0 none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub logit_adjustment: f64,
}

fn is_zero(value: &f64) -> bool {
    *value == 0.0
}

fn one() -> f64 {
    1.0
}

fn frequencies() -> NoiseSource {
    NoiseSource::Frequencies
}

/// Epochs and the learning rate over them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScheduleSection {
    /// Passes over the training pictures.
    pub epochs: usize,
    /// Epochs of linear warm-up from 0.
    #[serde(default)]
    pub warmup_epochs: f64,
    /// Learning rate at the end of the half cosine.
    #[serde(default)]
    pub minimum_rate: f64,
}

/// Batches, early stopping, checkpoints.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainingSection {
    /// Pictures of a batch; the candidates of a contrastive loss come from it.
    pub batch_size: usize,
    /// Batches whose gradients are averaged into one optimiser step.
    pub accumulate: usize,
    /// Whether the last batch of an epoch is left out where it is not full.
    pub drop_last: bool,
    /// Epochs between two looks at the validation pictures; the last epoch is always looked at.
    pub evaluate_every: usize,
    /// Looks without a better accuracy (between equals, likelihood) after which the run ends; none to go on to the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patience: Option<usize>,
    /// Optimiser steps between two checkpoints within an epoch; none for one at the end of each epoch alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkpoint_steps: Option<usize>,
    /// Threads that prepare pictures; 0 for the training thread itself.
    pub workers: usize,
    /// Batches prepared ahead.
    pub prefetch: usize,
}

impl Default for TrainingSection {
    fn default() -> Self {
        TrainingSection {
            batch_size: 128,
            accumulate: 1,
            drop_last: false,
            evaluate_every: 1,
            patience: None,
            checkpoint_steps: None,
            workers: 2,
            prefetch: 4,
        }
    }
}

/// What is measured at the end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EvaluationSection {
    /// Pictures of a batch.
    pub batch_size: usize,
    /// Bins of the calibration errors.
    pub bins: usize,
    /// Whether the figures are those of the best epoch on the validation pictures; otherwise of the last.
    pub best: bool,
    /// Whether a temperature is fitted on the validation pictures and the test figures given after it too.
    pub scale_temperature: bool,
    /// Hardest, and most confidently wrong, pictures that the report shows.
    pub pictures: usize,
}

impl Default for EvaluationSection {
    fn default() -> Self {
        EvaluationSection { batch_size: 256, bins: 15, best: true, scale_temperature: true, pictures: 12 }
    }
}

/// What `compare` varies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CompareSection {
    /// Losses to compare, in the order of the report.
    pub losses: Vec<LossKind>,
    /// Number of seeds, from 0; the same seeds for every loss.
    pub seeds: u64,
    /// Learning rates tried on the validation pictures, the same for every loss, as `learning_rate` is: not per 256
    /// samples; empty for the optimiser's own.
    pub learning_rates: Vec<f64>,
    /// Seeds that each learning rate is tried with; their mean decides. They are not among those compared.
    pub tuning_seeds: u64,
}

impl Default for CompareSection {
    fn default() -> Self {
        CompareSection { losses: LossKind::ALL.to_vec(), seeds: 1, learning_rates: Vec::new(), tuning_seeds: 1 }
    }
}
