//! Everything that determines a training over many classes.

mod built_in;
mod check;
mod data;
mod sections;

use serde::{Deserialize, Serialize};

pub use self::built_in::{BUILT_IN, built_in};
pub use self::data::DataSection;
pub use self::sections::{
    CandidateSection, EncoderSection, EvaluationSection, FloatType, HeadSection, LossSection, NoiseKind,
    OptimizerSection, RowPlace, ScheduleSection, StorageSection, TrainingSection,
};
use crate::ClassesError;

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

impl ClassesRecipe {
    /// Reads a recipe from TOML.
    ///
    /// # Errors
    /// A key that no recipe has, a value of another type, a value out of its range.
    pub fn from_table(name: &str, table: toml::Table) -> Result<Self, ClassesError> {
        let refused = |reason: toml::de::Error| ClassesError::Recipe {
            name: name.to_owned(),
            reason: reason.to_string().trim_end().to_owned(),
        };
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
}
