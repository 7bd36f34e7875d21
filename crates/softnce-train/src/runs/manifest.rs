//! What a run, or a comparison of runs, was made with: the manifest of its folder.

use std::path::Path;

use serde::{Deserialize, Serialize};
use softnce_store::{Folder, Manifest, StoreError, differences, read, read_json};

use super::data::{Labelled, RunData};
use super::error::RunError;
use super::initial::InitialWeights;
use super::setup;
use super::usable::LeftOut;
use crate::device::DeviceName;
use crate::recipe::Recipe;

/// The recipe, with every default spelled out.
pub(super) const RECIPE: &str = "recipe.toml";
/// The [`RunInfo`].
pub(super) const INFO: &str = "run.json";
const REMEDY: &str = "correct the file, or name another folder with --out";

/// What a run was made with, beside its recipe: `run.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunInfo {
    /// Version of softnce.
    pub version: String,
    /// The device.
    pub device: DeviceName,
    /// Seed of the run.
    pub seed: u64,
    /// Seed of the splits.
    pub split_seed: u64,
    /// Trainable parameters.
    pub parameters: usize,
    /// Pictures to learn from, to validate on (0: the test pictures) and to test on.
    pub pictures: [usize; 3],
    /// The classes.
    pub classes: Vec<String>,
    /// Pictures that are left out because they cannot be decoded.
    #[serde(default, skip_serializing_if = "LeftOut::is_empty")]
    pub left_out: LeftOut,
    /// The weights that it started from; none: random ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<InitialWeights>,
}

impl RunInfo {
    /// What a run of this recipe on this data is made with.
    ///
    /// # Errors
    /// A network that the recipe cannot have.
    pub fn new(recipe: &Recipe, data: &RunData, device: DeviceName) -> Result<RunInfo, RunError> {
        Ok(RunInfo {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            device,
            seed: recipe.seed,
            split_seed: recipe.data.split_seed,
            parameters: recipe.network.trained_parameters(setup::input(recipe), data.classes())?,
            pictures: [data.train.len(), data.validation.as_ref().map_or(0, Labelled::len), data.test.len()],
            classes: data.train.pictures.class_names().to_vec(),
            left_out: data.findings.left_out.clone(),
            weights: None,
        })
    }
}

/// The manifest of a run, and of a comparison: `recipe.toml` and `run.json`.
#[derive(Debug)]
pub(crate) struct RunManifest {
    pub(crate) recipe: Recipe,
    /// `None` if the process that made the folder was killed before it wrote it.
    pub(crate) info: Option<RunInfo>,
}

impl Manifest for RunManifest {
    fn read(folder: &Path) -> Result<Option<Self>, StoreError> {
        let path = folder.join(RECIPE);
        let Some(bytes) = read(&path)? else { return Ok(None) };
        let recipe = Recipe::parse(&path, &String::from_utf8_lossy(&bytes), &[])
            .map_err(|error| StoreError::Invalid { path: path.clone(), reason: error.to_string(), remedy: REMEDY })?;
        Ok(Some(RunManifest { recipe, info: read_json(&folder.join(INFO), REMEDY)? }))
    }

    fn write(&self, folder: &Folder) -> Result<(), StoreError> {
        let text = self.recipe.to_toml().map_err(std::io::Error::other);
        folder.write(RECIPE, text.map_err(StoreError::file("write", folder.file(RECIPE)))?)?;
        self.info.as_ref().map_or(Ok(()), |info| folder.write_json(INFO, info))
    }

    fn version(&self) -> Option<&str> {
        self.info.as_ref().map(|info| info.version.as_str())
    }

    fn differences(&self, found: &Self) -> Vec<String> {
        // The threads that prepare pictures change nothing in what is learned.
        let mut recipe = self.recipe.clone();
        (recipe.training.workers, recipe.training.prefetch) =
            (found.recipe.training.workers, found.recipe.training.prefetch);
        let words = differences(&found.recipe, &recipe);
        match (&found.info, &self.info) {
            (Some(there), Some(here)) if words.is_empty() => {
                // A run that goes on no longer needs the weights that it started from.
                differences(there, &RunInfo { weights: there.weights.clone(), ..here.clone() })
            }
            _ => words,
        }
    }
}
