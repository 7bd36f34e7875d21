//! The study from end to end.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use softnce_train::device::DeviceName;
use softnce_train::recipe::{DataSection, Recipe};
use softnce_train::runs::{RunData, RunError, Summary};

use super::page;
use super::plan::{Group, Variant, VariantsConfig};
use super::results::{Trained, VariantsResults};
use super::study::Study;
use super::trial::{self, Bench, Found};
use crate::folder::Folder;
use crate::{Budget, Outcome, Progress, StudyError};

/// Raised with every change after which a training comes to something else.
const REVISION: u32 = 1;

/// The folder of the trainings that go on, within that of the study.
const RUNS: &str = "runs";

/// How often the budget is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// Where the study is run, and who is told of it.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// The folder of all data, in which the recipes' relative paths lie.
    pub data: &'a Path,
    /// The device.
    pub device: DeviceName,
    /// The folder of the study.
    pub out: &'a Path,
    /// Trainings at once, at least 1.
    pub jobs: usize,
    /// How long it may take.
    pub budget: Budget<'a>,
    /// Told of each training.
    pub progress: &'a dyn Progress,
}

/// What tells one such study from another: its recipes with what they are trained on, not its words.
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
}

/// A training that is kept, with what it was.
#[derive(Serialize, Deserialize)]
struct Kept {
    recipe: Recipe,
    found: Found,
}

/// Trains what is not there yet, then writes `results.json`, `results.csv`, `results.md`, `report.html` and each
/// group's chart, where it has one, as `GROUP.svg`.
///
/// # Errors
/// Settings out of range; data or a folder that cannot be used; a training that fails. What was finished stays.
pub fn run(
    study: &Study,
    config: VariantsConfig,
    command: String,
    place: Place<'_>,
) -> Result<Outcome<VariantsResults>, StudyError> {
    config.check()?;
    let mut data = Vec::new();
    let planned = plan(&config, place.data, &mut data)?;
    // All that can be refused is refused before the folder is touched.
    place.device.open().map_err(RunError::from)?;
    let mut sizes = Vec::with_capacity(config.groups.len());
    for group in &config.groups {
        let own = planned.iter().filter(|trial| trial.group.name == group.name && trial.recipe.seed == 0);
        let of = own.map(|trial| Summary::new(&trial.recipe, &data[trial.data].1));
        sizes.extend(of.collect::<Result<Vec<Summary>, RunError>>()?.into_iter().next());
    }
    let identity = Identity::new(&config, place.device, &planned, &data)?;
    let folder = Folder::open(place.out, study.name, REVISION, &identity)?;
    let found: Vec<Found> = train_all(&planned, &data, &folder, place)?.into_iter().flatten().collect();
    if found.len() < planned.len() {
        return Ok(Outcome::Interrupted { finished: found.len(), planned: planned.len() });
    }
    let trained = planned.iter().zip(found);
    let trained =
        trained.map(|(trial, found)| Trained { group: &trial.group.name, variant: &trial.variant.name, found });
    let results = VariantsResults::new(config.clone(), command, study.name, &trained.collect::<Vec<_>>(), &sizes)?;
    folder.write_json("results.json", &results)?;
    folder.write_csv("results.csv", page::rows(&results))?;
    folder.write("results.md", page::markdown(&results).as_bytes())?;
    for (group, chart) in page::standalone(&results) {
        folder.write(&format!("{group}.svg"), chart.as_bytes())?;
    }
    folder.write("report.html", page::page(study, &results).as_bytes())?;
    trial::clear(&place.out.join(RUNS))?;
    Ok(Outcome::Finished(results))
}

/// All trainings; seeds outside, variants inside, so that an interrupted study holds whole pairs.
fn plan<'c>(
    config: &'c VariantsConfig,
    folder: &Path,
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
                        data.push((recipe.data.clone(), RunData::open(&recipe.data, folder)?));
                        data.len() - 1
                    }
                };
                planned.push(Planned { group, variant, recipe, data: at });
            }
        }
    }
    Ok(planned)
}

fn kept(folder: &Folder, trial: &Planned<'_>) -> Result<Option<Found>, StudyError> {
    let kept = folder.parts().read(&trial.recipe.name, |kept: &Kept| kept.recipe == trial.recipe)?;
    Ok(kept.map(|kept| kept.found))
}

/// What every training came to, from its part where that is there; `None` for those that a stop left out.
fn train_all(
    planned: &[Planned<'_>],
    data: &[(DataSection, RunData)],
    folder: &Folder,
    place: Place<'_>,
) -> Result<Vec<Option<Found>>, StudyError> {
    let found = planned.iter().map(|trial| kept(folder, trial)).collect::<Result<Vec<_>, _>>()?;
    place.progress.start(planned.len(), found.iter().flatten().count());
    let left: Vec<usize> = (0..planned.len()).filter(|&at| found[at].is_none()).collect();
    let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let (found, failed) = (Mutex::new(found), Mutex::new(None));
    let work = || {
        while let Some(&at) = left.get(next.fetch_add(1, Ordering::SeqCst)) {
            if stop.load(Ordering::SeqCst) || place.budget.is_spent() {
                return;
            }
            match one(&planned[at], data, folder, place, &stop) {
                Ok(Some(new)) => {
                    found.lock().unwrap_or_else(PoisonError::into_inner)[at] = Some(new);
                    place.progress.finished();
                }
                Ok(None) => return,
                Err(error) => {
                    stop.store(true, Ordering::SeqCst);
                    failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                }
            }
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..place.jobs.clamp(1, left.len().max(1))).map(|_| scope.spawn(work)).collect();
        // A stop ends all of them at their next batch.
        while !workers.iter().all(|worker| worker.is_finished()) {
            std::thread::sleep(LOOK);
            if place.budget.is_spent() {
                stop.store(true, Ordering::SeqCst);
            }
        }
    });
    if let Some(error) = failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(error);
    }
    Ok(found.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// One training, kept once it is over.
fn one(
    trial: &Planned<'_>,
    data: &[(DataSection, RunData)],
    folder: &Folder,
    place: Place<'_>,
    stop: &AtomicBool,
) -> Result<Option<Found>, StudyError> {
    let (recipe, name) = (trial.recipe.clone(), &trial.recipe.name);
    place.progress.part(name);
    let run = place.out.join(RUNS).join(name);
    let Place { data: data_folder, device, .. } = place;
    let bench = Bench { data: &data[trial.data].1, data_folder, device, folder: &run, stop };
    let Some(found) = trial::train(recipe.clone(), bench).map_err(|error| error.of(name))? else { return Ok(None) };
    folder.parts().write(name, &Kept { recipe, found: found.clone() })?;
    trial::clear(&run)?;
    Ok(Some(found))
}
