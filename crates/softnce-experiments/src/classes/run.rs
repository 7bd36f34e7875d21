//! The study from end to end.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use softnce_classes::recipe::{ClassesRecipe, DataSection};
use softnce_classes::run::{ClassesData, ClassesRun, Outcome};
use softnce_store::remove_folder;

use super::page;
use super::plan::{ClassesConfig, Group, Variant};
use super::results::{ClassesResults, Found, Trained};
use crate::parts::{Around, StudyPart, Workplace};
use crate::{Place, StudyError, folder};

/// Increased with every change of the result of a training.
const REVISION: u32 = 2;

/// The name of the study.
const STUDY: &str = "many-classes";

/// The folder of the unfinished trainings, within that of the study.
const RUNS: &str = "runs";

/// What must be the same to continue in a folder: recipes and data, not the words of the page.
#[derive(Serialize)]
struct Identity {
    seeds: u64,
    /// A digest for each variant, by name.
    #[serde(flatten)]
    variants: BTreeMap<String, String>,
}

impl Identity {
    fn new(seeds: u64, planned: &[Planned<'_>], data: &[(DataSection, ClassesData)]) -> Result<Self, StudyError> {
        let digest = |trial: &Planned<'_>| -> Result<String, StudyError> {
            let data = &data[trial.data].1;
            let mut hash = Sha256::new();
            hash.update(trial.recipe.to_toml()?);
            data.mass.iter().for_each(|mass| hash.update(mass.to_le_bytes()));
            hash.update(data.test.len().to_le_bytes());
            Ok(hash.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect())
        };
        let first = planned.iter().filter(|trial| trial.recipe.seed == 0);
        let variants = first.map(|trial| Ok((trial.recipe.name.replace("-seed0", ""), digest(trial)?)));
        Ok(Identity { seeds, variants: variants.collect::<Result<_, StudyError>>()? })
    }
}

/// A training to do.
struct Planned<'c> {
    group: &'c Group,
    variant: &'c Variant,
    recipe: ClassesRecipe,
    /// Which of the opened data.
    data: usize,
    /// The folder of its run, while it is trained.
    run: PathBuf,
}

/// A training that is kept, with what it was.
#[derive(Serialize, Deserialize)]
struct Kept {
    recipe: ClassesRecipe,
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
}

/// Trains what is missing, one training at a time, because their time is measured. Then writes `results.json`,
/// `results.csv`, `results.md`, `report.html`, and drawings of each group.
///
/// # Errors
/// Settings out of range; data or a folder that cannot be used; a training that fails. What was finished stays.
pub fn run(config: ClassesConfig, command: String, place: Place<'_>) -> Result<ClassesResults, StudyError> {
    config.check()?;
    let mut data = Vec::new();
    let planned = plan(&config, place, &mut data)?;
    let identity = Identity::new(config.seeds, &planned, &data)?;
    let folder = folder::open(place.out, STUDY, REVISION, &identity)?;
    let workplace = Workplace { folder: &folder, jobs: 1, budget: place.budget, progress: place.progress };
    let kept = workplace.train_all(&planned, Around::default(), |trial, stop| one(trial, &data[trial.data].1, stop))?;
    let trained = planned.iter().zip(kept).map(|(trial, kept)| Trained {
        group: &trial.group.name,
        variant: &trial.variant.name,
        found: kept.found,
    });
    let results = ClassesResults::new(config.clone(), command, &trained.collect::<Vec<_>>())?;
    folder.write_sealed_json("results.json", &results)?;
    folder.write_csv("results.csv", page::csv(&results))?;
    for (name, content) in page::files(&results) {
        folder.write(&name, content)?;
    }
    remove_folder(&place.out.join(RUNS))?;
    Ok(results)
}

/// All trainings, seed by seed, so that an interrupted study holds whole comparisons.
fn plan<'c>(
    config: &'c ClassesConfig,
    place: Place<'_>,
    data: &mut Vec<(DataSection, ClassesData)>,
) -> Result<Vec<Planned<'c>>, StudyError> {
    let mut planned = Vec::new();
    for group in &config.groups {
        for seed in 0..config.seeds {
            for variant in &group.variants {
                let recipe = config.recipe(group, variant, seed)?;
                let known = data.iter().position(|(section, _)| *section == recipe.data);
                let at = match known {
                    Some(at) => at,
                    None => {
                        data.push((recipe.data.clone(), ClassesData::open(&recipe.data, place.data)?));
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
fn one(trial: &Planned<'_>, data: &ClassesData, stop: &AtomicBool) -> Result<Option<Kept>, StudyError> {
    let mut run = ClassesRun::open(trial.recipe.clone(), data.clone(), &trial.run)?;
    Ok(match run.train(stop, &())? {
        Outcome::Interrupted { .. } => None,
        Outcome::Finished(results) => Some(Kept { recipe: trial.recipe.clone(), found: Found::new(*results) }),
    })
}
