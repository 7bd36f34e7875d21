//! The study from end to end.

use std::path::Path;

use super::page;
use super::plan::ToyConfig;
use super::results::ToyResults;
use super::trial::{Found, Setting, train};
use crate::parts::{Around, StudyPart, Workplace, each_seed};
use crate::{Budget, Progress, StudyError, folder};

/// Increased with every change of the result of a training.
const REVISION: u32 = 1;

/// Trains what is missing, then writes `results.json`, `results.csv`, `results.md`, `curves.svg` and `report.html`.
///
/// # Errors
/// Settings out of range; a folder that cannot be used; a training that fails. What was finished stays.
pub fn run(
    config: ToyConfig,
    command: String,
    out: &Path,
    budget: Budget<'_>,
    progress: &dyn Progress,
) -> Result<ToyResults, StudyError> {
    config.check()?;
    let folder = folder::open(out, "toy", REVISION, &config)?;
    let settings = config.settings();
    let place = Workplace { folder: &folder, jobs: 1, budget, progress };
    let found = place.train_all(&settings, Around::default(), |setting, stop| {
        let found = each_seed(0..config.seeds, stop, |seed| train(setting, &config.training, seed))?;
        Ok(found.map(|found| (*setting, found)))
    })?;
    let results = ToyResults::new(config.clone(), command, found)?;
    folder.write_sealed_json("results.json", &results)?;
    folder.write_csv("results.csv", page::rows(&results))?;
    for (name, content) in page::files(&results) {
        folder.write(&name, content)?;
    }
    Ok(results)
}

/// A setting with the result of each of its seeds.
impl StudyPart for Setting {
    type Kept = (Setting, Vec<Found>);

    fn name(&self) -> String {
        let Setting { classes, estimator, samples, candidates } = self;
        let source = estimator.candidates.name();
        let told = if estimator.corrected { "" } else { "-uncorrected" };
        format!("{}-{source}{told}-d{classes}-n{samples}-m{candidates}", estimator.loss)
    }

    fn is(&self, (setting, _): &Self::Kept) -> bool {
        setting == self
    }
}
