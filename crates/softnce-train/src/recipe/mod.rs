//! The recipe: one TOML file from the data's folder to the report.
//!
//! [`Recipe::read`] takes a file or the name of one that comes with the program ([`BUILT_IN`]), with changes by
//! `key=value`. An unknown key is an error that names the nearest known one. What a run really used is written beside
//! it, every default spelled out.

mod built_in;
mod change;
mod check;
mod error;
mod hints;
mod notes;
mod read;
mod sections;
mod sets;
mod source;
mod words;

use serde::{Deserialize, Serialize};
use softnce_data::augmentation::AugmentationConfig;
use softnce_data::candidates::CandidateConfig;
use softnce_data::mixing::MixingConfig;
use softnce_nn::models::NetworkConfig;

use crate::optimisation::OptimizerConfig;

pub use built_in::{BUILT_IN, built_in};
pub use error::RecipeError;
pub use read::{read_table, read_text};
pub use sections::{
    BadPolicy, CompareSection, DataSection, EvaluationSection, LossSection, NoiseSource, ScheduleSection,
    TrainingSection, WeightsSection,
};

/// All settings of a run except the data folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Name of the run: its folder is `runs/NAME` unless told otherwise.
    pub name: String,
    /// Seed of the weights, the order, the augmentation, the mixing and the draws.
    #[serde(default)]
    pub seed: u64,
    /// Pictures and labels.
    pub data: DataSection,
    /// From a decoded picture to the network's input; rows of features do not use it.
    #[serde(default)]
    pub augmentation: AugmentationConfig,
    /// MixUp, CutMix and label smoothing; `None`: the labels as they are. Losses on hard labels train without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mixing: Option<MixingConfig>,
    /// Candidates of the contrastive losses beyond the batch.
    #[serde(default)]
    pub candidates: CandidateConfig,
    /// The network.
    pub network: NetworkConfig,
    /// Weights to start from; `None`: random weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<WeightsSection>,
    /// The loss.
    pub loss: LossSection,
    /// The optimiser.
    pub optimizer: OptimizerConfig,
    /// Epochs and the learning rate over them.
    pub schedule: ScheduleSection,
    /// Batches, early stopping, checkpoints.
    #[serde(default)]
    pub training: TrainingSection,
    /// What is measured at the end.
    #[serde(default)]
    pub evaluation: EvaluationSection,
    /// What `compare` varies.
    #[serde(default)]
    pub compare: CompareSection,
}

impl Recipe {
    /// The recipe as TOML, every default spelled out.
    ///
    /// # Errors
    /// A number that TOML cannot hold.
    pub fn to_toml(&self) -> Result<String, RecipeError> {
        toml::to_string_pretty(self).map_err(|error| RecipeError::Write { reason: error.to_string() })
    }

    /// The recipe as it is trained: a loss that takes hard labels has no mixing and no soft training labels, a contrastive
    /// one no logit adjustment.
    #[must_use]
    pub fn resolved(mut self) -> Recipe {
        if !self.loss.kind.takes_soft_targets() {
            self.mixing = None;
            self.data.train_labels = None;
        }
        if self.loss.kind.is_contrastive() {
            self.loss.logit_adjustment = 0.0;
        }
        self
    }

    /// Channels, height and width of the network's input; `features`: values of a row of features, which are channels of
    /// one pixel, `None` for pictures.
    pub fn input_shape(&self, features: Option<usize>) -> [usize; 3] {
        if let Some(features) = features {
            return [features, 1, 1];
        }
        let [height, width] = self.augmentation.size;
        [self.augmentation.normalisation.statistics().mean.len(), height, width]
    }

    /// Samples of an optimiser step.
    pub fn samples_per_step(&self) -> usize {
        self.training.batch_size.saturating_mul(self.training.accumulate)
    }
}

#[cfg(test)]
mod tests;
