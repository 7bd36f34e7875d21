//! The folder of a comparison: its recipe, its finished runs and its report, each file written whole or not at all.

use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::Serialize;
use softnce_store::file;
use softnce_store::parts::{Parts, is_occupied, write_json};

use super::error::CompareError;
use crate::recipe::Recipe;
use crate::runs::{RunFolder, RunInfo, differences, other_run, same};

/// `recipe.toml`, `parts/` with a file for each finished run, `runs/` with the folder of each run that is compared,
/// `trials/` with those of the learning-rate grid while they are under way, and the results once all are there.
#[derive(Debug, Clone)]
pub(super) struct Folder {
    path: PathBuf,
    parts: Parts,
}

const RECIPE: &str = "recipe.toml";
const INFO: &str = "run.json";
const PARTS: &str = "parts";

impl Folder {
    /// Opens or makes the folder and writes the recipe into it, or finds the same one there.
    pub(super) fn open(path: &Path, recipe: &Recipe, info: &RunInfo) -> Result<Self, CompareError> {
        let folder = Folder { path: path.to_owned(), parts: Parts::at(path.join(PARTS)) };
        let file = path.join(RECIPE);
        match fs::read_to_string(&file) {
            Ok(text) => {
                let found = Recipe::parse(&file, &text, &[])
                    .map_err(|error| CompareError::CorruptRecipe { path: file.clone(), reason: error.to_string() })?;
                if !same(&found, recipe) {
                    let differences = differences(&found, recipe);
                    return Err(CompareError::OtherRecipe { path: path.to_owned(), differences });
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if is_occupied(path) {
                    return Err(CompareError::ForeignFolder { path: path.to_owned() });
                }
            }
            Err(source) => return Err(CompareError::File { action: "read", path: file, source }),
        }
        let failed = |source| CompareError::File { action: "write to", path: path.to_owned(), source };
        let text = recipe.to_toml().map_err(|error| failed(io::Error::other(error)))?;
        fs::create_dir_all(path).map_err(failed)?;
        // Written even where it is there already: whether the folder can be written must show before any training.
        folder.write(RECIPE, text.as_bytes())?;
        // Other data or another device under the same recipe is another comparison.
        match RunFolder::existing(path).read_json::<RunInfo>(INFO)? {
            Some(found) if found != *info => return Err(other_run(path, found, info).into()),
            Some(_) => {}
            None => folder.write_json(INFO, info)?,
        }
        Ok(folder)
    }

    /// Where a run that is compared has its folder.
    pub(super) fn run(&self, name: &str) -> PathBuf {
        self.path.join("runs").join(name)
    }

    /// Where a trial of the learning-rate grid has its folder while it is under way.
    pub(super) fn trial(&self, name: &str) -> PathBuf {
        self.path.join("trials").join(name)
    }

    /// Removes the folder of a trial that is over, and that of all trials with the last one.
    pub(super) fn remove_trial(&self, name: &str) -> Result<(), CompareError> {
        let path = self.trial(name);
        match fs::remove_dir_all(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(CompareError::File { action: "remove", path, source })
            }
            _ => {
                // Not empty while others are under way.
                let _ = fs::remove_dir(self.path.join("trials"));
                Ok(())
            }
        }
    }

    /// Writes JSON with line breaks.
    pub(super) fn write_json<T: Serialize>(&self, name: &str, value: &T) -> Result<(), CompareError> {
        Ok(write_json(&self.path.join(name), value)?)
    }

    /// Writes a file, whole or not at all.
    pub(super) fn write(&self, name: &str, content: &[u8]) -> Result<(), CompareError> {
        let path = self.path.join(name);
        file::write(&path, content).map_err(|source| CompareError::File { action: "write", path, source })
    }

    /// The finished runs.
    pub(super) fn parts(&self) -> &Parts {
        &self.parts
    }
}
