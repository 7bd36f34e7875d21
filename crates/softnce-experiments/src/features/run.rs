//! The study from end to end.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use serde::{Deserialize, Serialize};
use softnce_metrics::ValidationScore;
use softnce_store::{Folder, read_json, remove_folder};
use softnce_train::device::DeviceName;
use softnce_train::recipe::Recipe;
use softnce_train::runs::{Fingerprints, Outcome, Run, RunData, RunError};

use super::page;
use super::plan::{FeatureTask, FeaturesConfig, Head, Method};
use super::results::{FeaturesResults, MethodRuns, TaskResults};
use super::search::{Point, Tried, best, is_bracketed, next};
use crate::measure::Measure;
use crate::parts::{Around, StudyPart, Workplace};
use crate::{Place, StudyError, folder};

/// Increased with every change of the result of a training.
const REVISION: u32 = 2;

/// The folder of the unfinished trainings, within that of the study.
const RUNS: &str = "runs";

/// The seed of the trials, none of those compared, and their split.
const TUNING_SEED: u64 = 1000;
const TUNING_SPLIT: u64 = 0;

const REMEDY: &str = "name another folder with --out";

/// What determines the results beside the recipe of each part, and the data.
#[derive(Serialize)]
struct Identity {
    config: FeaturesConfig,
    device: DeviceName,
}

/// A training to do.
struct Planned<'c> {
    recipe: Recipe,
    data: &'c RunData,
    /// The folder of its run, while it is trained.
    run: PathBuf,
    name: String,
    /// Whether it is a trial: evaluated on the validation rows alone.
    trial: bool,
}

/// A training that is kept, with what it was.
#[derive(Serialize, Deserialize)]
struct Kept {
    recipe: Recipe,
    /// Of a trial.
    score: Option<ValidationScore>,
    /// Of a training that is compared; empty where it diverged.
    values: BTreeMap<Measure, f64>,
}

impl StudyPart for Planned<'_> {
    type Kept = Kept;

    fn name(&self) -> String {
        self.name.clone()
    }

    fn is(&self, kept: &Kept) -> bool {
        kept.recipe == self.recipe
    }

    fn clear(&self) -> Result<(), StudyError> {
        Ok(remove_folder(&self.run)?)
    }
}

/// The score of a trial, or what was measured of a training that is compared.
type Found = (Option<ValidationScore>, BTreeMap<Measure, f64>);

/// Tunes and trains what is missing, then writes `results.json`, `results.csv`, `results.md` and `report.html`. `jobs`:
/// trainings at once, at least 1.
///
/// # Errors
/// Settings out of range; data or a folder that cannot be used; a training that fails. What was finished stays.
pub fn run(
    config: FeaturesConfig,
    command: String,
    place: Place<'_>,
    jobs: usize,
) -> Result<FeaturesResults, StudyError> {
    config.check()?;
    // Sets can be added: each part holds its recipe.
    let config_of_all = FeaturesConfig { tasks: Vec::new(), heads: Vec::new(), ..config.clone() };
    let settings = Identity { config: config_of_all, device: place.device };
    let folder = folder::open(place.out, "features", REVISION, &settings)?;
    let Place { budget, progress, .. } = place;
    let workplace = Workplace { folder: &folder, jobs, budget, progress };
    let a_task = config.heads.len() * Method::ALL.len() * (config.trials + config.seeds as usize);
    let mut counter = Counter { before: 0, planned: a_task * config.tasks.len() };
    let mut tasks = Vec::new();
    for task in &config.tasks {
        progress.note(&task.title);
        let splits = open(&config, task, place)?;
        same_data(&folder, task, &splits)?;
        let study = TaskStudy { config: &config, task, splits: &splits, place, workplace: &workplace };
        tasks.extend(study.run(&mut counter)?);
    }
    let results = FeaturesResults { version: env!("CARGO_PKG_VERSION").to_owned(), command, config, tasks };
    folder.write_sealed_json("results.json", &results)?;
    folder.write_csv("results.csv", page::rows(&results))?;
    for (name, content) in page::files(&results) {
        folder.write(&name, content)?;
    }
    remove_folder(&place.out.join(RUNS))?;
    Ok(results)
}

/// Refuses a set whose rows are not those of the parts that are there, such as features of another network.
fn same_data(folder: &Folder, task: &FeatureTask, splits: &[RunData]) -> Result<(), StudyError> {
    let name = format!("data-{}.json", task.name);
    let now = splits[0].fingerprints();
    match read_json::<Fingerprints>(&folder.path().join(&name), REMEDY)? {
        Some(then) if then != *now => {
            let expected = "the rows that the trainings in the folder of the study had; name another folder with --out";
            Err(StudyError::argument("the rows of the set", &task.name, expected))
        }
        Some(_) => Ok(()),
        None => Ok(folder.write_sealed_json(&name, now)?),
    }
}

/// The data of each split, one for each seed.
fn open(config: &FeaturesConfig, task: &FeatureTask, place: Place<'_>) -> Result<Vec<RunData>, StudyError> {
    let split = |split| {
        let (head, method) = (config.heads[0], Method::ALL[0]);
        let recipe = config.recipe(task, head, method, &Point(vec![0; method.axes().len()]), 0, split)?;
        Ok(RunData::open(&recipe.data, place.data)?)
    };
    (0..config.seeds).map(split).collect()
}

/// How many trainings of the study come before.
struct Counter {
    before: usize,
    planned: usize,
}

impl Counter {
    fn around(&mut self, parts: usize) -> Around {
        let around = Around { before: self.before, after: self.planned.saturating_sub(self.before + parts) };
        self.before += parts;
        around
    }
}

/// A set in the study.
struct TaskStudy<'a> {
    config: &'a FeaturesConfig,
    task: &'a FeatureTask,
    splits: &'a [RunData],
    place: Place<'a>,
    workplace: &'a Workplace<'a>,
}

/// A loss with a network, and the trials so far.
struct Line {
    head: Head,
    method: Method,
    tried: Vec<Tried>,
}

impl Line {
    fn next(&self, trials: usize) -> Vec<Point> {
        let axes = self.method.axes();
        next(&self.tried, axes.len(), trials - self.tried.len(), |axis, step| axes[axis].has(step))
    }
}

impl<'a> TaskStudy<'a> {
    fn run(&self, counter: &mut Counter) -> Result<Vec<TaskResults>, StudyError> {
        let heads = self.config.heads.iter();
        let pairs = heads.flat_map(|&head| Method::ALL.map(|method| (head, method)));
        let mut lines: Vec<Line> = pairs.map(|(head, method)| Line { head, method, tried: Vec::new() }).collect();
        self.tune(&mut lines, counter)?;
        let too_few =
            || StudyError::argument("trials", self.config.trials, "enough that each loss has one that converges");
        let points: Option<Vec<&Point>> = lines.iter().map(|line| best(&line.tried)).collect();
        let points = points.ok_or_else(too_few)?;
        let mut planned = Vec::new();
        for seed in 0..self.config.seeds {
            for (line, point) in lines.iter().zip(&points) {
                planned.push(self.planned(line, point, (seed, seed), format!("seed{seed}"), false)?);
            }
        }
        let kept = self.train(&planned, counter)?;
        // Line by line, with its seeds.
        let methods = lines.iter().zip(points).enumerate().map(|(at, (line, point))| {
            let axes = line.method.axes();
            let has = |axis: usize, step| axes[axis].goes_on_to(step);
            let open = (0..axes.len()).filter(|&axis| !is_bracketed(&line.tried, point, axis, has));
            let score = line.tried.iter().find(|(tried, _)| tried == point).and_then(|(_, score)| *score);
            MethodRuns {
                method: line.method,
                settings: line.method.settings(point),
                open: open.map(|axis| axes[axis].key.to_owned()).collect(),
                validation: score.map_or(0.0, |score| score.top1),
                runs: kept.iter().skip(at).step_by(lines.len()).map(|kept| kept.values.clone()).collect(),
            }
        });
        let mut methods: Vec<MethodRuns> = methods.collect();
        let data = &self.splits[0];
        let rows = [data.train.len(), data.validation.as_ref().map_or(0, |held| held.len()), data.test.len()];
        let of_head = |&head| {
            let others = methods.split_off(Method::ALL.len());
            let own = std::mem::replace(&mut methods, others);
            TaskResults::new(&self.task.name, head, rows, own, &self.config.margins)
        };
        self.config.heads.iter().map(of_head).collect()
    }

    /// Tries settings, round by round, until each loss has had its trials.
    fn tune(&self, lines: &mut [Line], counter: &mut Counter) -> Result<(), StudyError> {
        loop {
            let mut planned = Vec::new();
            let mut points = Vec::new();
            for (at, line) in lines.iter().enumerate() {
                for point in line.next(self.config.trials) {
                    planned.push(self.planned(
                        line,
                        &point,
                        (TUNING_SEED, TUNING_SPLIT),
                        format!("trial-{}", point.name()),
                        true,
                    )?);
                    points.push((at, point));
                }
            }
            if planned.is_empty() {
                return Ok(());
            }
            for ((at, point), kept) in points.into_iter().zip(self.train(&planned, counter)?) {
                lines[at].tried.push((point, kept.score));
            }
        }
    }

    fn planned(
        &self,
        line: &Line,
        point: &Point,
        (seed, split): (u64, u64),
        which: String,
        trial: bool,
    ) -> Result<Planned<'a>, StudyError> {
        let name = format!("{}-{}-{}-{which}", self.task.name, line.head, line.method.0);
        let recipe = self.config.recipe(self.task, line.head, line.method, point, seed, split)?;
        let run = self.place.out.join(RUNS).join(&name);
        Ok(Planned { recipe, data: &self.splits[split as usize], run, name, trial })
    }

    fn train(&self, planned: &[Planned<'_>], counter: &mut Counter) -> Result<Vec<Kept>, StudyError> {
        let around = counter.around(planned.len());
        self.workplace.train_all(planned, around, |part, stop| self.one(part, stop))
    }

    /// One training. `None` if it was stopped; the next call continues from there.
    fn one(&self, part: &Planned<'_>, stop: &AtomicBool) -> Result<Option<Kept>, StudyError> {
        let Place { data, device, .. } = self.place;
        let measured = || -> Result<Option<Found>, RunError> {
            let mut run = Run::with_data(part.recipe.clone(), part.data.clone(), data, device, &part.run)?;
            if part.trial {
                let whole = run.train_only(stop, &())?;
                return Ok(whole.then(|| (run.score().map(|point| point.score()), BTreeMap::new())));
            }
            let Outcome::Finished(report) = run.train(stop, &())? else { return Ok(None) };
            Ok(Some((None, Measure::all_of(&report))))
        };
        let (score, values) = match measured() {
            Ok(None) => return Ok(None),
            Ok(Some(found)) => found,
            Err(error) if error.is_divergence() => (None, BTreeMap::new()),
            Err(error) => return Err(error.into()),
        };
        Ok(Some(Kept { recipe: part.recipe.clone(), score, values }))
    }
}
