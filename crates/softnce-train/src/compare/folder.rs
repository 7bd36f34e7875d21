//! Where a comparison keeps its runs.

use std::fs;
use std::path::{Path, PathBuf};

use softnce_store::{Folder, Parts, StoreError, remove_folder};

use crate::recipe::Recipe;
use crate::runs::{RunInfo, RunManifest};

/// The folder of a comparison: `recipe.toml` and `run.json`, `parts/` with a file for each finished run, `runs/` with the
/// folder of each run that is compared, `trials/` with those of the learning-rate grid until each is finished, and the
/// results once all are there.
#[derive(Debug)]
pub(super) struct ComparisonFolder {
    /// The files in it.
    pub(super) files: Folder,
    /// The finished runs.
    pub(super) parts: Parts,
}

impl ComparisonFolder {
    /// Opens or makes it.
    pub(super) fn open(path: &Path, recipe: &Recipe, info: RunInfo) -> Result<Self, StoreError> {
        let manifest = RunManifest { recipe: recipe.clone(), info: Some(info) };
        let files = Folder::open(path, "comparison", &manifest)?;
        Ok(ComparisonFolder { parts: files.parts(), files })
    }

    /// The folder of a run that is compared.
    pub(super) fn run(&self, name: &str) -> PathBuf {
        self.files.file("runs").join(name)
    }

    /// The folder of a trial of the learning-rate grid until it is finished.
    pub(super) fn trial(&self, name: &str) -> PathBuf {
        self.files.file("trials").join(name)
    }

    /// Removes the folder of a finished trial, and that of all trials with the last one.
    pub(super) fn remove_trial(&self, name: &str) -> Result<(), StoreError> {
        remove_folder(&self.trial(name))?;
        // Fails, as it should, while other trials are in it.
        let _ = fs::remove_dir(self.files.file("trials"));
        Ok(())
    }
}
