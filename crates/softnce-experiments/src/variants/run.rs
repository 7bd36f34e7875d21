//! The study from end to end.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use softnce_store::remove_folder;
use softnce_train::device::DeviceName;
use softnce_train::recipe::{DataSection, Recipe};
use softnce_train::runs::{RunData, RunError, Summary};

use super::page;
use super::plan::{Group, Variant, VariantsConfig};
use super::results::{Trained, VariantsResults};
use super::study::Study;
use super::trial::{self, Found, TrainingContext};
use crate::measure::Measure;
use crate::parts::{Around, StudyPart, Workplace};
use crate::{Place, StudyError, folder};

/// Increased with every change of the result of a training.
const REVISION: u32 = 1;

/// The folder of the unfinished trainings, within that of the study.
const RUNS: &str = "runs";

/// What must be the same to continue in a folder: recipes and data, not the words of the page.
#[derive(Serialize)]
struct Identity {
    seeds: u64,
    device: DeviceName,
    /// A digest for each variant, by name.
    #[serde(flatten)]
    variants: BTreeMap<String, String>,
}

impl Identity {
    fn new(
        config: &VariantsConfig,
        device: DeviceName,
        planned: &[Planned<'_>],
        data: &[(DataSection, RunData)],
    ) -> Result<Self, StudyError> {
        let digest = |trial: &Planned<'_>| -> Result<String, StudyError> {
            let data = &data[trial.data].1;
            let mut hash = Sha256::new();
            hash.update(trial.recipe.to_toml()?);
            hash.update(format!("{:?} {:?}", data.class_counts, data.test.pictures.labels()));
            Ok(hash.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect())
        };
        let first = planned.iter().filter(|trial| trial.recipe.seed == 0);
        let name = |trial: &Planned<'_>| format!("{}-{}", trial.group.name, trial.variant.part());
        let variants = first.map(|trial| Ok((name(trial), digest(trial)?)));
        Ok(Identity { seeds: config.seeds, device, variants: variants.collect::<Result<_, StudyError>>()? })
    }
}

/// A training to do.
struct Planned<'c> {
    group: &'c Group,
    variant: &'c Variant,
    recipe: Recipe,
    /// Which of the opened data.
    data: usize,
    /// The folder of its run, while it is trained.
    run: PathBuf,
}

/// A training that is kept, with what it was.
#[derive(Serialize, Deserialize)]
struct Kept {
    recipe: Recipe,
    found: Found,
}

impl StudyPart for Planned<'_> {
    type Kept = Kept;

    fn name(&self) -> String {
        self.recipe.name.clone()
    }

    fn is(&self, kept: &Kept) -> bool {
        kept.recipe == self.recipe
    }

    fn clear(&self) -> Result<(), StudyError> {
        Ok(remove_folder(&self.run)?)
    }

    fn is_whole(&self, kept: &Kept) -> bool {
        let has_adjusted = kept.found.values.contains_key(&Measure::BalancedAdjusted);
        has_adjusted || !self.group.shows_adjusted() || kept.found.diverged.is_some()
    }
}

/// Trains what is missing, then writes `results.json`, `results.csv`, `results.md`, `report.html` and each
/// group's chart, if it has one, as `GROUP.svg`. `jobs`: trainings at once, at least 1.
///
/// # Errors
/// Settings out of range; data or a folder that cannot be used; a training that fails. What was finished stays.
pub fn run(
    study: &Study,
    config: VariantsConfig,
    command: String,
    place: Place<'_>,
    jobs: usize,
) -> Result<VariantsResults, StudyError> {
    config.check()?;
    let mut data = Vec::new();
    let planned = plan(&config, place, &mut data)?;
    // Everything is checked before the folder is changed.
    place.device.open().map_err(RunError::from)?;
    let mut sizes = Vec::with_capacity(config.groups.len());
    for group in &config.groups {
        let own = planned.iter().filter(|trial| trial.group.name == group.name && trial.recipe.seed == 0);
        let of = own.map(|trial| Summary::new(&trial.recipe, &data[trial.data].1));
        sizes.extend(of.collect::<Result<Vec<Summary>, RunError>>()?.into_iter().next());
    }
    let identity = Identity::new(&config, place.device, &planned, &data)?;
    let folder = folder::open(place.out, study.name, REVISION, &identity)?;
    let Place { out, budget, progress, .. } = place;
    let workplace = Workplace { folder: &folder, jobs, budget, progress };
    let train = |trial: &Planned<'_>, stop: &AtomicBool| one(trial, &data[trial.data].1, place, stop);
    let kept = workplace.train_all(&planned, Around::default(), train)?;
    let trained = planned.iter().zip(kept).map(|(trial, kept)| Trained {
        group: &trial.group.name,
        variant: &trial.variant.name,
        found: kept.found,
    });
    let results = VariantsResults::new(config.clone(), command, study.name, &trained.collect::<Vec<_>>(), &sizes)?;
    folder.write_sealed_json("results.json", &results)?;
    folder.write_csv("results.csv", page::rows(&results))?;
    for (name, content) in page::files(study, &results) {
        folder.write(&name, content)?;
    }
    remove_folder(&out.join(RUNS))?;
    Ok(results)
}

/// All trainings, seed by seed, so that an interrupted study holds whole pairs.
fn plan<'c>(
    config: &'c VariantsConfig,
    place: Place<'_>,
    data: &mut Vec<(DataSection, RunData)>,
) -> Result<Vec<Planned<'c>>, StudyError> {
    let mut planned = Vec::new();
    for group in &config.groups {
        for seed in 0..config.seeds {
            for variant in &group.variants {
                let recipe = group.recipe(variant, seed)?;
                let known = data.iter().position(|(section, _)| *section == recipe.data);
                let at = match known {
                    Some(at) => at,
                    None => {
                        data.push((recipe.data.clone(), RunData::open(&recipe.data, place.data)?));
                        data.len() - 1
                    }
                };
                let run = place.out.join(RUNS).join(&recipe.name);
                planned.push(Planned { group, variant, recipe, data: at, run });
            }
        }
    }
    Ok(planned)
}

/// One training.
fn one(trial: &Planned<'_>, data: &RunData, place: Place<'_>, stop: &AtomicBool) -> Result<Option<Kept>, StudyError> {
    let (folder, adjusted) = (&trial.run, trial.group.shows_adjusted());
    let context = TrainingContext { data, data_folder: place.data, device: place.device, folder, adjusted, stop };
    let found = trial::train(trial.recipe.clone(), context)?;
    Ok(found.map(|found| Kept { recipe: trial.recipe.clone(), found }))
}
