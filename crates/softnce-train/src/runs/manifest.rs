//! What a run, or a comparison of runs, was made with: the manifest of its folder.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use softnce_data::fetch::Registry;
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
    /// The data folder, as an absolute path, for later evaluations; none if nothing was read from it, and in runs of
    /// earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_folder: Option<PathBuf>,
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
            data_folder: data.folder.clone(),
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
        let words = differences(&with_known_names(&found.recipe), &with_known_names(&recipe));
        match (&found.info, &self.info) {
            (Some(there), Some(here)) if words.is_empty() => {
                // A run that goes on no longer needs the weights that it started from.
                let here = RunInfo { weights: there.weights.clone(), ..here.clone() };
                differences(&elsewhere(there), &elsewhere(&here))
            }
            _ => words,
        }
    }
}

/// The recipe with the registered names of its sets and files: a set is the same under any name of its folder.
fn with_known_names(recipe: &Recipe) -> Recipe {
    let registry = Registry::known();
    let file = |path: &Path| registry.file_of(path).map(|(set, file)| Path::new(&set.name).join(&file.name));
    let mut recipe = recipe.clone();
    let data = &mut recipe.data;
    if let Some(set) = data.path.as_deref().and_then(|path| registry.set_of(path)) {
        data.path = Some(PathBuf::from(&set.name));
    }
    for labels in [&mut data.train_labels, &mut data.test_labels] {
        *labels = labels.take().map(|source| match file(source.path()) {
            Some(known) => source.at(known),
            None => source,
        });
    }
    if let Some(weights) = &mut recipe.weights {
        weights.path = file(&weights.path).unwrap_or_else(|| std::mem::take(&mut weights.path));
    }
    recipe
}

/// The same without the data folder: data may be moved.
fn elsewhere(info: &RunInfo) -> RunInfo {
    RunInfo { data_folder: None, ..info.clone() }
}
