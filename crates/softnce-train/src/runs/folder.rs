//! The folder of a run.

use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use softnce_store::file;

use super::data::{Labelled, RunData};
use super::error::RunError;
use super::setup;
use crate::device::DeviceName;
use crate::recipe::Recipe;

/// The folder of a run: `recipe.toml` (every default spelled out), `run.json`, the checkpoints `last.safetensors` and
/// `best.safetensors`, `history.csv`, and at the end `metrics.json`, `metrics.md` and `report.html`.
#[derive(Debug, Clone)]
pub struct RunFolder {
    path: PathBuf,
}

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
            parameters: recipe.network.parameters(setup::input(recipe), data.classes())?,
            pictures: [data.train.len(), data.validation.as_ref().map_or(0, Labelled::len), data.test.len()],
            classes: data.train.pictures.class_names().to_vec(),
        })
    }
}

const RECIPE: &str = "recipe.toml";

impl RunFolder {
    /// Opens or makes the folder of a run of this recipe.
    ///
    /// # Errors
    /// A folder that cannot be made or written; one of another recipe or version; one that holds something else.
    pub fn open(path: &Path, recipe: &Recipe, info: &RunInfo) -> Result<RunFolder, RunError> {
        let folder = RunFolder { path: path.to_owned() };
        match folder.recipe() {
            Ok(found) if !same(&found, recipe) => {
                let differences = differences(&found, recipe);
                return Err(RunError::OtherRecipe { path: path.to_owned(), differences });
            }
            Ok(_) => {
                if let Some(found) = folder.read_json::<RunInfo>("run.json")?
                    && found != *info
                {
                    return Err(other_run(path, found, info));
                }
            }
            Err(RunError::NoRun { .. }) if is_occupied(path) => {
                return Err(RunError::ForeignFolder { path: path.to_owned() });
            }
            Err(RunError::NoRun { .. }) => {}
            Err(error) => return Err(error),
        }
        fs::create_dir_all(path).map_err(|source| RunError::File { action: "make", path: path.to_owned(), source })?;
        remove_leftovers(path);
        // Written even where it is there already: whether the folder can be written must show before any training.
        folder.write(RECIPE, recipe.to_toml()?.as_bytes())?;
        folder.write_json("run.json", info)?;
        Ok(folder)
    }

    /// Opens the folder of a run that is there already.
    pub fn existing(path: &Path) -> RunFolder {
        RunFolder { path: path.to_owned() }
    }

    /// Where the folder is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of a file in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The recipe of the run.
    ///
    /// # Errors
    /// [`RunError::NoRun`] without one; a file that cannot be read or is damaged.
    pub fn recipe(&self) -> Result<Recipe, RunError> {
        let path = self.file(RECIPE);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Recipe::parse(&path, &text, &[])?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(RunError::NoRun { path: self.path.clone(), missing: RECIPE })
            }
            Err(source) => Err(RunError::File { action: "read", path, source }),
        }
    }

    /// Writes a file, whole or not at all.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write(&self, name: &str, content: &[u8]) -> Result<(), RunError> {
        write(&self.file(name), content)
    }

    /// Writes JSON with line breaks, whole or not at all.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write_json<T: Serialize>(&self, name: &str, value: &T) -> Result<(), RunError> {
        write_json(&self.file(name), value)
    }

    /// Reads JSON; `None` where the file is not there.
    ///
    /// # Errors
    /// A file that cannot be read or is damaged.
    pub fn read_json<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, RunError> {
        let path = self.file(name);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(RunError::File { action: "read", path, source }),
        };
        let value = serde_json::from_slice(&bytes);
        value.map(Some).map_err(|error| RunError::Corrupt { path, reason: error.to_string() })
    }
}

/// Writes a file, whole or not at all.
///
/// # Errors
/// A file that cannot be written.
pub fn write(path: &Path, content: &[u8]) -> Result<(), RunError> {
    file::write(path, content).map_err(|source| RunError::File { action: "write", path: path.to_owned(), source })
}

/// Writes JSON with line breaks, whole or not at all.
///
/// # Errors
/// A file that cannot be written.
pub fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<(), RunError> {
    let failed =
        |error: serde_json::Error| RunError::File { action: "write", path: path.to_owned(), source: error.into() };
    write(path, &serde_json::to_vec_pretty(value).map_err(failed)?)
}

/// Whether two recipes make the same run: the threads that prepare pictures change nothing.
pub(crate) fn same(one: &Recipe, other: &Recipe) -> bool {
    let mut other = other.clone();
    (other.training.workers, other.training.prefetch) = (one.training.workers, one.training.prefetch);
    *one == other
}

/// Removes what a kill in the middle of a write left behind.
fn remove_leftovers(path: &Path) {
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(file::TEMPORARY) {
            // One that cannot be removed costs room, nothing else.
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Whether a folder holds anything but what a run killed at its very start leaves behind.
fn is_occupied(path: &Path) -> bool {
    let Ok(entries) = fs::read_dir(path) else { return false };
    entries.flatten().any(|entry| !entry.file_name().to_string_lossy().starts_with(file::TEMPORARY))
}

pub(crate) fn other_run(path: &Path, found: RunInfo, info: &RunInfo) -> RunError {
    if found.version != info.version {
        let expected = env!("CARGO_PKG_VERSION");
        return RunError::OtherVersion { path: path.to_owned(), found: found.version, expected };
    }
    let pairs = [
        ("device", found.device.to_string(), info.device.to_string()),
        ("pictures", format!("{:?}", found.pictures), format!("{:?}", info.pictures)),
        ("classes", found.classes.len().to_string(), info.classes.len().to_string()),
        ("parameters", found.parameters.to_string(), info.parameters.to_string()),
    ];
    let differing = pairs.iter().filter(|(_, there, here)| there != here);
    let words: Vec<String> =
        differing.map(|(name, there, here)| format!("{name}: {there} there, {here} here")).collect();
    let differences = if words.is_empty() { "the names of the classes".to_owned() } else { words.join("; ") };
    RunError::OtherRecipe { path: path.to_owned(), differences }
}

/// The keys in which two recipes differ, in words.
pub(crate) fn differences(there: &Recipe, here: &Recipe) -> String {
    let (Ok(there), Ok(here)) = (toml::Value::try_from(there), toml::Value::try_from(here)) else {
        return "unknown".to_owned();
    };
    let mut words = Vec::new();
    compare("", Some(&there), Some(&here), &mut words);
    words.join("; ")
}

fn compare(key: &str, there: Option<&toml::Value>, here: Option<&toml::Value>, words: &mut Vec<String>) {
    let tables = (there.and_then(toml::Value::as_table), here.and_then(toml::Value::as_table));
    if let (Some(one), Some(other)) = tables {
        let new = other.keys().filter(|key| !one.contains_key(*key));
        for name in one.keys().chain(new) {
            let path = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
            compare(&path, one.get(name), other.get(name), words);
        }
    } else if there != here {
        let word = |value: Option<&toml::Value>| value.map_or_else(|| "absent".to_owned(), ToString::to_string);
        words.push(format!("{key}: {} there, {} here", word(there), word(here)));
    }
}
