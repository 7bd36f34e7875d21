//! Where a comparison keeps its runs.

use std::fs;
use std::path::{Path, PathBuf};

use softnce_store::{Folder, Manifest, Parts, StoreError, remove_folder};

use crate::recipe::Recipe;
use crate::runs::{RunInfo, RunManifest, unaffected};

/// The folders with those of runs.
const RUNS: &str = "runs";
const TRIALS: &str = "trials";

/// The manifest of a comparison: the files of that of a run.
struct ComparisonManifest(RunManifest);

impl Manifest for ComparisonManifest {
    fn read(folder: &Path) -> Result<Option<Self>, StoreError> {
        Ok(RunManifest::read(folder)?.map(ComparisonManifest))
    }

    fn write(&self, folder: &Folder) -> Result<(), StoreError> {
        self.0.write(folder)
    }

    fn version(&self) -> Option<&str> {
        self.0.version()
    }

    fn differences(&self, ComparisonManifest(found): &Self) -> Vec<String> {
        let mut recipe = unaffected(&self.0.recipe, &found.recipe);
        // Each run is kept by its loss and its seed, whatever others there are.
        (recipe.compare.losses, recipe.compare.seeds) =
            (found.recipe.compare.losses.clone(), found.recipe.compare.seeds);
        self.0.differences_but(found, &recipe)
    }

    fn other_data(&self, found: &Self) -> Option<(Vec<String>, &'static str)> {
        self.0.other_data(&found.0)
    }

    fn has_work(folder: &Path) -> bool {
        let below = [RUNS, TRIALS].map(|name| fs::read_dir(folder.join(name)));
        let mut runs = below.into_iter().flatten().flatten().flatten();
        !Parts::of(folder).is_empty() || runs.any(|run| RunManifest::has_work(&run.path()))
    }
}

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
        let manifest = ComparisonManifest(RunManifest { recipe: recipe.clone(), info: Some(info) });
        let files = Folder::open(path, "comparison", &manifest)?;
        Ok(ComparisonFolder { parts: files.parts(), files })
    }

    /// The folder of a run that is compared.
    pub(super) fn run(&self, name: &str) -> PathBuf {
        self.files.file(RUNS).join(name)
    }

    /// The folder of a trial of the learning-rate grid until it is finished.
    pub(super) fn trial(&self, name: &str) -> PathBuf {
        self.files.file(TRIALS).join(name)
    }

    /// Removes the folder of a finished trial, and that of all trials with the last one.
    pub(super) fn remove_trial(&self, name: &str) -> Result<(), StoreError> {
        remove_folder(&self.trial(name))?;
        // Fails, as it should, while other trials are in it.
        let _ = fs::remove_dir(self.files.file(TRIALS));
        Ok(())
    }
}
