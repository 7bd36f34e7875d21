//! The manifest of the folder of a run or a comparison: its recipe, and what else determines its results.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use softnce_store::{
    CHECKSUM, Folder, Manifest, StoreError, UNSEALED, differences, read_json, read_sealed, seal, sealed,
};

use super::changes::{settled, unaffected, with_known_names};
use super::data::{Labelled, RunData};
use super::error::RunError;
use super::files::{BEST, INFO, LAST, RECIPE};
use super::fingerprints::Fingerprints;
use super::initial::InitialWeights;
use super::usable::LeftOut;
use crate::device::DeviceName;
use crate::recipe::Recipe;

const REMEDY: &str = "put it back as it was, or name another folder with --out";

/// What determines the results of a run beside its recipe: `run.json`.
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
    /// Values of a row of features; none for pictures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub features: Option<usize>,
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
    /// What tells whether the data have changed; earlier revisions did not write it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprints: Option<Fingerprints>,
}

impl RunInfo {
    /// That of a run of this recipe on this data.
    ///
    /// # Errors
    /// A network that the recipe cannot have.
    pub fn new(recipe: &Recipe, data: &RunData, device: DeviceName) -> Result<RunInfo, RunError> {
        Ok(RunInfo {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            device,
            seed: recipe.seed,
            split_seed: recipe.data.split_seed,
            parameters: recipe.network.trained_parameters(recipe.input_shape(data.features()), data.classes())?,
            pictures: [data.train.len(), data.validation.as_ref().map_or(0, Labelled::len), data.test.len()],
            classes: data.train.pictures.class_names().to_vec(),
            features: data.features(),
            left_out: data.findings.left_out.clone(),
            weights: None,
            data_folder: data.folder.clone(),
            fingerprints: Some(data.fingerprints().clone()),
        })
    }

    /// A copy with the fields that follow from the data taken from `other`.
    fn on_data_of(&self, other: &RunInfo) -> RunInfo {
        // The number of parameters depends on the classes.
        let parameters = if self.classes == other.classes { self.parameters } else { other.parameters };
        RunInfo {
            parameters,
            pictures: other.pictures,
            classes: other.classes.clone(),
            data_folder: other.data_folder.clone(),
            left_out: other.left_out.clone(),
            // A run that continues no longer needs the weights that it started from.
            weights: other.weights.clone(),
            fingerprints: other.fingerprints.clone(),
            ..self.clone()
        }
    }

    /// Describes how the data of `there` differ from these.
    fn data_differences(&self, there: &RunInfo) -> Vec<String> {
        if there.classes.len() != self.classes.len() {
            return vec![format!("classes: {} there, {} here", there.classes.len(), self.classes.len())];
        }
        let other = there.classes.iter().zip(&self.classes).find(|(there, here)| there != here);
        let mut words: Vec<String> =
            other.map(|(there, here)| format!("class {there:?} there, {here:?} here")).into_iter().collect();
        match (&there.fingerprints, &self.fingerprints) {
            (Some(there), Some(here)) => words.extend(here.differences(there)),
            _ if there.pictures != self.pictures => {
                words.push(format!("pictures: {:?} there, {:?} here", there.pictures, self.pictures));
            }
            _ => {}
        }
        words
    }
}

/// The manifest of a run: `recipe.toml` and `run.json`.
#[derive(Debug)]
pub(crate) struct RunManifest {
    pub(crate) recipe: Recipe,
    /// `None` if the process that made the folder was killed before it wrote it.
    pub(crate) info: Option<RunInfo>,
}

impl RunManifest {
    /// Describes how `found` differs from this manifest. `settled`: the recipe of this one, with the settings that may
    /// differ taken from `found`.
    pub(crate) fn differences_but(&self, found: &Self, settled: &Recipe) -> Vec<String> {
        let words = differences(&with_known_names(&found.recipe), &with_known_names(settled));
        match (&found.info, &self.info) {
            (Some(there), Some(here)) if words.is_empty() => differences(there, &here.on_data_of(there)),
            _ => words,
        }
    }
}

impl Manifest for RunManifest {
    fn read(folder: &Path) -> Result<Option<Self>, StoreError> {
        let path = folder.join(RECIPE);
        let Some(bytes) = read_sealed(&path, REMEDY)? else { return Ok(None) };
        let info = read_json(&folder.join(INFO), REMEDY)?;
        // A recipe without a checksum, alone in a folder, is the user's own and no run.
        if info.is_none() && sealed(&bytes) == Ok(None) && !Self::has_work(folder) {
            return Ok(None);
        }
        let recipe = Recipe::parse(&path, &String::from_utf8_lossy(&bytes), &[])
            .map_err(|error| StoreError::Invalid { path: path.clone(), reason: error.to_string(), remedy: REMEDY })?;
        Ok(Some(RunManifest { recipe, info }))
    }

    fn write(&self, folder: &Folder) -> Result<(), StoreError> {
        let text = self.recipe.to_toml().map_err(std::io::Error::other);
        let text = text.map_err(StoreError::file("write", folder.file(RECIPE)))?;
        let mut bytes = format!("# {CHECKSUM}: {UNSEALED}\n{text}").into_bytes();
        seal(&mut bytes);
        folder.write(RECIPE, bytes)?;
        self.info.as_ref().map_or(Ok(()), |info| folder.write_sealed_json(INFO, info))
    }

    fn version(&self) -> Option<&str> {
        self.info.as_ref().map(|info| info.version.as_str())
    }

    fn differences(&self, found: &Self) -> Vec<String> {
        self.differences_but(found, &settled(&self.recipe, &found.recipe))
    }

    fn other_data(&self, found: &Self) -> Option<(Vec<String>, &'static str)> {
        let (there, here) = (found.info.as_ref()?, self.info.as_ref()?);
        let words = here.data_differences(there);
        let remedy = "put them back as they were, name another folder with --out, or remove run.json there to continue \
                      with the data as they are now";
        (!words.is_empty()).then_some((words, remedy))
    }

    fn has_work(folder: &Path) -> bool {
        [LAST, BEST].iter().any(|file| folder.join(file).exists())
    }
}

/// Notes on the settings that differ from those with which the run in a folder was started.
pub(super) fn continued(recipe: &Recipe, folder: &Path) -> Result<Vec<String>, StoreError> {
    let Some(found) = RunManifest::read(folder)? else { return Ok(Vec::new()) };
    let mut recipe = unaffected(recipe, &found.recipe);
    recipe.compare = found.recipe.compare.clone();
    let words = differences(&with_known_names(&found.recipe), &with_known_names(&recipe));
    let longer = recipe.schedule.epochs > found.recipe.schedule.epochs;
    let rate = if longer { "; the learning rate follows the new number of epochs" } else { "" };
    Ok(if words.is_empty() {
        words
    } else {
        vec![format!("the run was started with other settings: {}{rate}", words.join("; "))]
    })
}
