//! The recipe: one TOML file from the data's folder to the report.
//!
//! [`Recipe::read`] takes a file or the name of one that comes with the program ([`BUILT_IN`]), with changes by
//! `key=value`. An unknown key is an error that names the nearest known one. What a run really used is written beside
//! it, every default spelled out.

mod built_in;
mod change;
mod check;
mod error;
mod notes;
mod hints;
mod sections;
mod source;
mod words;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use softnce_data::augmentation::AugmentationConfig;
use softnce_data::candidates::CandidateConfig;
use softnce_data::mixing::MixingConfig;
use softnce_nn::models::NetworkConfig;

use crate::optimisation::OptimizerConfig;

pub use built_in::{BUILT_IN, built_in};
pub use error::RecipeError;
pub use sections::{
    BadPolicy, CompareSection, DataSection, EvaluationSection, LossSection, NoiseSource, ScheduleSection,
    TrainingSection, WeightsSection,
};
use source::Source;

/// Everything a run is made from, but for the folder that the data lies in.
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
    /// From a decoded picture to the network's input.
    pub augmentation: AugmentationConfig,
    /// MixUp, CutMix and label smoothing; none for the labels as they are. Losses that take hard labels train without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mixing: Option<MixingConfig>,
    /// Candidates of the contrastive losses beyond the batch.
    #[serde(default)]
    pub candidates: CandidateConfig,
    /// The network.
    pub network: NetworkConfig,
    /// Weights to start from; none for new ones.
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
    /// Reads a recipe from a file, or one that comes with the program by its name, and changes it by `key=value`.
    ///
    /// # Errors
    /// A file that cannot be read; text that is no recipe, with the place and, for an unknown key, the nearest known
    /// one; a change without `=`; values out of range.
    pub fn read(name_or_path: &str, changes: &[String]) -> Result<Recipe, RecipeError> {
        let (origin, text) = match built_in::find(name_or_path) {
            Some(text) => (PathBuf::from(name_or_path), text.to_owned()),
            None => {
                let path = PathBuf::from(name_or_path);
                let text = std::fs::read_to_string(&path).map_err(|source| {
                    let looks_like_a_name = path.extension().is_none() && path.components().count() == 1;
                    if looks_like_a_name && source.kind() == std::io::ErrorKind::NotFound {
                        return built_in::unknown(name_or_path);
                    }
                    RecipeError::Read { path: path.clone(), source }
                })?;
                (path, text)
            }
        };
        let recipe = Recipe::parse(&origin, &text, changes)?;
        recipe.check().map_err(|error| match error {
            RecipeError::Value { place: None, key, value, expected } => {
                let source = Source { origin: &origin, text: &text, changes };
                RecipeError::Value { place: Some(source.place(&key)), key, value, expected }
            }
            other => other,
        })?;
        Ok(recipe)
    }

    /// Reads a recipe from text, without checking its values; `origin` is for the errors.
    ///
    /// # Errors
    /// Text that is not TOML; a key or a value that no recipe has, with its place and what was probably meant; a change
    /// without `=`.
    pub fn parse(origin: &Path, text: &str, changes: &[String]) -> Result<Recipe, RecipeError> {
        let mut table: toml::Table = toml::from_str(text).map_err(|error| RecipeError::Parse {
            path: origin.to_owned(),
            reason: error.to_string().trim_end().to_owned(),
        })?;
        for change in changes {
            change::apply(&mut table, change)?;
        }
        words::recipe(&table).map_err(|refused| {
            let place = Source { origin, text, changes }.place(&refused.key);
            refused.at(place)
        })
    }

    /// The recipe as TOML, every default spelled out.
    ///
    /// # Errors
    /// A number that TOML cannot hold.
    pub fn to_toml(&self) -> Result<String, RecipeError> {
        toml::to_string_pretty(self).map_err(|error| RecipeError::Write { reason: error.to_string() })
    }

    /// The keys that [`Recipe::to_toml`] leaves out, because TOML has no value for "not set".
    ///
    /// # Errors
    /// As [`Recipe::to_toml`].
    pub fn unset_keys(&self) -> Result<Vec<String>, RecipeError> {
        let table = toml::Table::try_from(self).map_err(|error| RecipeError::Write { reason: error.to_string() })?;
        Ok(words::unset(&table))
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

    /// Channels, height and width of the network's input.
    pub fn input_shape(&self) -> [usize; 3] {
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
