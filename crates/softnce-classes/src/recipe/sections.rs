//! The sections beside that of the data.

use serde::{Deserialize, Serialize};
use softnce_rows::{Element, Place, RowOptimizerConfig};

use crate::model::{Activation, Pooling};

/// From the inputs of a row to its features.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum EncoderSection {
    /// Dense inputs are the features.
    #[default]
    None,
    /// The pooled embeddings of sparse inputs.
    Bag {
        /// Number of features D.
        width: usize,
        /// What the entries of a row are divided by.
        #[serde(default)]
        pooling: Pooling,
        /// What the features go through.
        #[serde(default)]
        activation: Activation,
        /// Standard deviation of the first embeddings.
        #[serde(default = "embedding_std")]
        init_std: f32,
        /// How the embeddings are kept.
        #[serde(default)]
        storage: StorageSection,
    },
}

fn embedding_std() -> f32 {
    0.1
}

/// How rows are kept.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StorageSection {
    /// Type of the weights.
    pub weights: FloatType,
    /// Type of the optimiser's state.
    pub state: FloatType,
    /// Where they are while the program works.
    pub place: RowPlace,
}

impl Default for StorageSection {
    fn default() -> Self {
        StorageSection { weights: FloatType::F32, state: FloatType::F32, place: RowPlace::Memory }
    }
}

/// A type of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FloatType {
    /// 32 bits.
    F32,
    /// The upper 16 bits of these.
    Bf16,
}

impl From<FloatType> for Element {
    fn from(kind: FloatType) -> Self {
        match kind {
            FloatType::F32 => Element::F32,
            FloatType::Bf16 => Element::Bf16,
        }
    }
}

/// Where rows are while the program works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RowPlace {
    /// In memory.
    Memory,
    /// In a file, of which the system keeps in memory what fits.
    Disk,
}

impl From<RowPlace> for Place {
    fn from(place: RowPlace) -> Self {
        match place {
            RowPlace::Memory => Place::Memory,
            RowPlace::Disk => Place::Disk,
        }
    }
}

/// The class weights.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HeadSection {
    /// Whether each class has a bias.
    pub bias: bool,
    /// Whether features and weights are divided by their norms.
    pub normalise: bool,
    /// Standard deviation of the first weights; with 0, rows of classes that never occurred take no space on the disk.
    pub init_std: f32,
    /// How the weights are kept.
    pub storage: StorageSection,
}

/// The candidates of the loss.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum CandidateSection {
    /// The targets of the batch.
    #[default]
    Batch,
    /// Those, and the targets of past batches.
    Queue {
        /// Number of past targets, 1 to 65,536.
        size: usize,
    },
    /// One-hot classes, in place of the targets: sampled softmax with soft targets, or softmax.
    Classes {
        /// Classes drawn for each batch from the noise distribution; none: all classes, whose cost grows with them.
        #[serde(skip_serializing_if = "Option::is_none")]
        count: Option<usize>,
        /// Whether scores are corrected for the probability of the draw. Without it, the loss is biased; for comparisons.
        #[serde(default = "yes")]
        corrected: bool,
    },
}

fn yes() -> bool {
    true
}

/// The loss.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LossSection {
    /// The temperature, that divides the scores.
    pub temperature: f64,
    /// Whether it is learned.
    pub learn_temperature: bool,
    /// The noise distribution.
    pub noise: NoiseKind,
    /// The power of it.
    pub alpha: f64,
}

impl Default for LossSection {
    fn default() -> Self {
        LossSection { temperature: 1.0, learn_temperature: false, noise: NoiseKind::Frequencies, alpha: 1.0 }
    }
}

/// The noise distribution of the loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoiseKind {
    /// The frequencies of the classes in the training rows, with one imagined row of each class.
    Frequencies,
    /// These frequencies, estimated from the batches so far.
    Estimated,
    /// Equal probabilities.
    Uniform,
}

/// The optimiser.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct OptimizerSection {
    /// Learning rate after the warm-up.
    pub learning_rate: f64,
    /// Which optimiser, and its settings.
    #[serde(flatten)]
    pub rule: RowOptimizerConfig,
}

/// How long, and with which learning rates.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScheduleSection {
    /// Number of steps.
    pub steps: u64,
    /// Steps in which the rate rises from 0.
    #[serde(default)]
    pub warmup_steps: u64,
    /// Whether the rate then falls to 0 along half a cosine; if not, it stays.
    #[serde(default = "yes")]
    pub cosine: bool,
}

impl ScheduleSection {
    /// The rate of a step, from 0.
    pub(crate) fn rate(&self, peak: f64, step: u64) -> f64 {
        if step < self.warmup_steps {
            return peak * (step + 1) as f64 / self.warmup_steps as f64;
        }
        if !self.cosine {
            return peak;
        }
        let share = (step - self.warmup_steps) as f64 / (self.steps - self.warmup_steps).max(1) as f64;
        0.5 * peak * (1.0 + (std::f64::consts::PI * share.min(1.0)).cos())
    }
}

/// The steps.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainingSection {
    /// Rows of a step.
    pub batch_size: usize,
    /// Write a checkpoint after so many seconds.
    pub checkpoint_seconds: f64,
    /// Write a checkpoint when the changed rows take so many MiB of memory.
    pub changed_mib: usize,
}

impl Default for TrainingSection {
    fn default() -> Self {
        TrainingSection { batch_size: 1024, checkpoint_seconds: 300.0, changed_mib: 2048 }
    }
}

/// The evaluation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EvaluationSection {
    /// Evaluate after every so many steps, and at the end.
    pub every: u64,
    /// At most so many rows of the test part, at equal distances.
    pub rows: usize,
    /// Numbers of classes at which lists are cut.
    pub k: Vec<usize>,
}

impl Default for EvaluationSection {
    fn default() -> Self {
        EvaluationSection { every: 1000, rows: 2000, k: vec![1, 3, 5] }
    }
}
