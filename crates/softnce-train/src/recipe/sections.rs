//! The sections of a recipe.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use softnce::LossKind;
use softnce_data::labels::LabelSource;
use softnce_data::sets::{Decoding, Layout, Split};

/// What to do with pictures that cannot be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BadPolicy {
    /// The run ends, and the error names all of them.
    #[default]
    Error,
    /// They are left out, and listed in `run.json`. Every picture is decoded once before the training.
    Skip,
}

/// Pictures and labels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DataSection {
    /// Layout of the folder; none: detected from its files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layout: Option<Layout>,
    /// Folder of the set, relative to the data folder; none for the built-in set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
    /// The publisher's split to train on.
    pub train_part: Split,
    /// Share of that split to test on, taken from each class; none: the publisher's test split.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test_share: Option<f64>,
    /// Seed of the draw of that share; none: the seed of the other splits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test_seed: Option<u64>,
    /// Share of the training pictures held out for validation, taken from each class, where the set has no validation
    /// part of its own. 0: no validation set; epochs are evaluated on the test pictures, and best-epoch selection and
    /// early stopping are off.
    pub validation_share: f64,
    /// Seed of the splits and of the long tail.
    pub split_seed: u64,
    /// What to do with pictures that cannot be decoded.
    pub bad_pictures: BadPolicy,
    /// Whether to turn pictures as the camera noted in their EXIF data.
    pub exif_orientation: bool,
    /// Most pixels of a picture.
    pub max_pixels: u64,
    /// Whether rows of features are brought to mean 0 and deviation 1, with those of the training rows.
    #[serde(skip_serializing_if = "is_true")]
    pub standardise: bool,
    /// Thin the training pictures to a long tail with this ratio of the largest to the smallest class; none: keep all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub imbalance: Option<f64>,
    /// Label distributions of the training split, one row per picture; none: its class labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub train_labels: Option<LabelSource>,
    /// Label distributions of the test split, to measure cross-entropy and divergence from them.
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
            test_seed: None,
            validation_share: 0.1,
            split_seed: 0,
            bad_pictures: BadPolicy::Error,
            exif_orientation: false,
            max_pixels: Decoding::MAX_PIXELS,
            standardise: true,
            imbalance: None,
            train_labels: None,
            test_labels: None,
        }
    }
}

impl DataSection {
    /// How files of pictures are decoded.
    pub fn decoding(&self) -> Decoding {
        Decoding { exif_orientation: self.exif_orientation, max_pixels: self.max_pixels }
    }
}

/// Weights to start training from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeightsSection {
    /// A checkpoint of MAE, timm, torchvision or this program, or the folder of a run, relative to the data folder or
    /// else to the current one.
    pub path: PathBuf,
    /// Whether to load its classification head, too.
    #[serde(default)]
    pub head: bool,
    /// Rows and columns of the position embeddings' grid in the checkpoint; none: the network's if it has as many patches,
    /// else a square one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grid: Option<[usize; 2]>,
    /// Path of the weights in the checkpoint, such as `state_dict`; none: found by the names of the tensors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// Whether to leave out tensors beside the weights that the network does not have; false: they are an error.
    #[serde(default)]
    pub ignore_unknown: bool,
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
    /// Temperature of the loss and of the posterior; the starting value if it is learned.
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
    /// Factor of the log class frequencies that are added to the logits in training, for NLL and cross-entropy
    /// (logit-adjusted loss, Menon et al., arXiv 2007.07314): 1 is balanced softmax (Ren et al., arXiv 2007.10740), 0
    /// adds nothing.
    #[serde(default)]
    pub logit_adjustment: f64,
}

fn is_true(value: &bool) -> bool {
    *value
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
    /// Epochs to train.
    pub epochs: usize,
    /// Epochs of linear warm-up from 0.
    #[serde(default)]
    pub warmup_epochs: f64,
    /// Learning rate at the end of the cosine schedule.
    #[serde(default)]
    pub minimum_rate: f64,
}

/// Batches, early stopping, checkpoints.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainingSection {
    /// Batch size; the candidates of a contrastive loss come from the batch.
    pub batch_size: usize,
    /// Batches to average the gradients of, for one optimiser step.
    pub accumulate: usize,
    /// Whether to drop the last batch of an epoch if it is smaller than the others.
    pub drop_last: bool,
    /// Validate every N epochs, and after the last.
    pub evaluate_every: usize,
    /// Stop after N validations without better accuracy, or equal accuracy with a better likelihood; none: never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patience: Option<usize>,
    /// Write a checkpoint every N optimiser steps, too; none: only after each epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkpoint_steps: Option<usize>,
    /// Threads that load pictures; 0: the training thread loads them.
    pub workers: usize,
    /// Batches to load ahead.
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

/// What to measure at the end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EvaluationSection {
    /// Batch size.
    pub batch_size: usize,
    /// Bins of the calibration error.
    pub bins: usize,
    /// Whether to evaluate the epoch with the best validation result instead of the last.
    pub best: bool,
    /// Whether to also report results at a temperature fitted on the validation pictures.
    pub scale_temperature: bool,
    /// Number of pictures that the report shows: those of the highest loss, and the most confident errors.
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
    /// Seeds of each loss: 0, 1, ..
    pub seeds: u64,
    /// Learning rates to choose from for each loss by validation accuracy, in the unit of `learning_rate`; empty: the
    /// optimiser's own.
    pub learning_rates: Vec<f64>,
    /// Seeds to try each learning rate with; the mean decides. None of them is compared.
    pub tuning_seeds: u64,
}

impl Default for CompareSection {
    fn default() -> Self {
        CompareSection { losses: LossKind::compared(), seeds: 1, learning_rates: Vec::new(), tuning_seeds: 1 }
    }
}
