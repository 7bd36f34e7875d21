//! Everything that determines a training over many classes.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use softnce_rows::{Element, Place, RowOptimizerConfig};

use crate::ClassesError;
use crate::data::generated::GeneratedConfig;
use crate::data::sparse_text::SparseTextOptions;
use crate::model::{Activation, Pooling};

/// Everything that determines a training over many classes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassesRecipe {
    /// Its name, and that of the run's folder.
    pub name: String,
    /// Seed of everything random.
    #[serde(default)]
    pub seed: u64,
    /// The data.
    pub data: DataSection,
    /// From the inputs of a row to its features.
    #[serde(default)]
    pub encoder: EncoderSection,
    /// The class weights.
    #[serde(default)]
    pub head: HeadSection,
    /// The candidates of the loss.
    #[serde(default)]
    pub candidates: CandidateSection,
    /// The loss.
    #[serde(default)]
    pub loss: LossSection,
    /// The optimiser.
    pub optimizer: OptimizerSection,
    /// How long, and with which learning rates.
    pub schedule: ScheduleSection,
    /// The steps.
    #[serde(default)]
    pub training: TrainingSection,
    /// The evaluation.
    #[serde(default)]
    pub evaluation: EvaluationSection,
}

/// Where the rows come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum DataSection {
    /// Generated rows of clustered classes, whose posterior is known.
    Generated {
        /// What is generated for training.
        #[serde(default)]
        rows: GeneratedConfig,
        /// Rows to test on, of the same classes.
        #[serde(default = "test_rows")]
        test_rows: usize,
    },
    /// The text format of the Extreme Classification Repository.
    SparseText {
        /// The training rows.
        train: PathBuf,
        /// The test rows.
        test: PathBuf,
        /// How the files are to be read.
        #[serde(default)]
        options: SparseTextOptions,
    },
    /// Mulan's multi-label sets.
    Mulan {
        /// The training rows, an ARFF file.
        train: PathBuf,
        /// The test rows, an ARFF file.
        test: PathBuf,
        /// The names of the labels.
        labels: PathBuf,
    },
}

fn test_rows() -> usize {
    10_000
}

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
    /// The first so many rows of the test part.
    pub rows: usize,
    /// Numbers of classes at which lists are cut.
    pub k: Vec<usize>,
}

impl Default for EvaluationSection {
    fn default() -> Self {
        EvaluationSection { every: 1000, rows: 2000, k: vec![1, 3, 5] }
    }
}

impl ClassesRecipe {
    /// Reads a recipe from TOML.
    ///
    /// # Errors
    /// A key that no recipe has, a value of another type, a value out of its range.
    pub fn from_table(name: &str, table: toml::Table) -> Result<Self, ClassesError> {
        let refused =
            |reason: toml::de::Error| ClassesError::Recipe { name: name.to_owned(), reason: reason.to_string() };
        let recipe: ClassesRecipe = table.try_into().map_err(refused)?;
        recipe.check()?;
        Ok(recipe)
    }

    /// The recipe as TOML, every default spelled out.
    ///
    /// # Errors
    /// A value that TOML cannot hold.
    pub fn to_toml(&self) -> Result<String, ClassesError> {
        let refused =
            |error: toml::ser::Error| ClassesError::Recipe { name: self.name.clone(), reason: error.to_string() };
        toml::to_string(self).map_err(refused)
    }

    /// Refuses the first value out of its range.
    ///
    /// # Errors
    /// Its name, its value, and what was expected.
    pub fn check(&self) -> Result<(), ClassesError> {
        self.optimizer.rule.check()?;
        let positive = |name, value: f64| match value > 0.0 && value.is_finite() {
            true => Ok(()),
            false => Err(ClassesError::setting(name, value, "a finite number above 0")),
        };
        positive("optimizer.learning_rate", self.optimizer.learning_rate)?;
        positive("loss.temperature", self.loss.temperature)?;
        positive("training.checkpoint_seconds", self.training.checkpoint_seconds)?;
        for (name, value) in [
            ("training.batch_size", self.training.batch_size as u64),
            ("schedule.steps", self.schedule.steps),
            ("evaluation.every", self.evaluation.every),
            ("evaluation.rows", self.evaluation.rows as u64),
            ("training.changed_mib", self.training.changed_mib as u64),
        ] {
            if value == 0 {
                return Err(ClassesError::setting(name, value, "at least 1"));
            }
        }
        if self.schedule.steps > u64::from(u32::MAX) {
            return Err(ClassesError::setting("schedule.steps", self.schedule.steps, format!("at most {}", u32::MAX)));
        }
        if self.schedule.warmup_steps > self.schedule.steps {
            let expected = format!("at most schedule.steps, {}", self.schedule.steps);
            return Err(ClassesError::setting("schedule.warmup_steps", self.schedule.warmup_steps, expected));
        }
        if self.evaluation.k.is_empty() || self.evaluation.k.contains(&0) {
            return Err(ClassesError::setting("evaluation.k", format!("{:?}", self.evaluation.k), "numbers from 1"));
        }
        if !self.loss.alpha.is_finite() {
            return Err(ClassesError::setting("loss.alpha", self.loss.alpha, "a finite number"));
        }
        let stds = [("head.init_std", self.head.init_std)].into_iter().chain(match self.encoder {
            EncoderSection::Bag { init_std, .. } => Some(("encoder.init_std", init_std)),
            EncoderSection::None => None,
        });
        for (name, std) in stds {
            if !(std >= 0.0 && std.is_finite()) {
                return Err(ClassesError::setting(name, std, "a finite number not below 0"));
            }
        }
        if self.head.normalise && self.head.init_std == 0.0 {
            return Err(ClassesError::setting(
                "head.init_std",
                0,
                "above 0 with head.normalise: rows of zeros have no direction",
            ));
        }
        if self.head.normalise && self.head.bias {
            return Err(ClassesError::setting("head.bias", true, "false with head.normalise"));
        }
        if let EncoderSection::Bag { width: 0, .. } = self.encoder {
            return Err(ClassesError::setting("encoder.width", 0, "at least 1"));
        }
        match self.candidates {
            CandidateSection::Queue { size } if !(1..=65_536).contains(&size) => {
                Err(ClassesError::setting("candidates.size", size, "1 to 65,536"))
            }
            CandidateSection::Classes { count: Some(count), .. } if !(1..=1 << 24).contains(&count) => {
                Err(ClassesError::setting("candidates.count", count, "1 to 16,777,216"))
            }
            CandidateSection::Classes { .. } if self.loss.noise == NoiseKind::Estimated => {
                let expected = "frequencies or uniform with classes as candidates, which are drawn from it";
                Err(ClassesError::setting("loss.noise", "estimated", expected))
            }
            _ => Ok(()),
        }
    }
}
