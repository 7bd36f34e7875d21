//! One run of a comparison: which recipe, under which name, and what is kept of it.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use serde::{Deserialize, Serialize};
use softnce::LossKind;
use softnce_report::results::{Cost, DivergedRun, RunRecord, RunReport, TuningRecord};

use super::error::CompareError;
use super::folder::ComparisonFolder;
use super::progress::{ComparisonProgress, PeakMemory};
use crate::device::DeviceName;
use crate::recipe::{CompareSection, Recipe};
use crate::runs::{Outcome, Run, RunData, RunError};

/// A point of the learning-rate grid under one seed, or a run that is compared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Trial {
    pub(super) loss: LossKind,
    pub(super) rate: f64,
    pub(super) seed: u64,
}

impl Trial {
    /// The name of a trial of the grid.
    pub(super) fn name(self) -> String {
        format!("tuning-{}-{:e}-seed{}", self.loss, self.rate, self.seed)
    }

    /// The name of a compared run.
    pub(super) fn run_name(self) -> String {
        format!("run-{}-seed{}", self.loss, self.seed)
    }

    /// The recipe of this run; it has the place of the whole comparison's.
    fn recipe(self, base: &Recipe, name: &str) -> Recipe {
        let mut recipe = base.clone();
        recipe.name = name.to_owned();
        recipe.seed = self.seed;
        recipe.loss.kind = self.loss;
        (recipe.optimizer.learning_rate, recipe.optimizer.base_learning_rate) = (Some(self.rate), None);
        recipe.compare = CompareSection::default();
        recipe.resolved()
    }
}

/// What is kept of a run.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RunPart {
    Finished(Box<RunRecord>),
    Diverged(DivergedRun),
}

impl RunPart {
    /// The run that it is of.
    pub(super) fn trial(&self) -> Trial {
        match self {
            RunPart::Finished(run) => Trial { loss: run.loss, seed: run.seed, rate: run.learning_rate },
            RunPart::Diverged(run) => Trial { loss: run.loss, seed: run.seed, rate: run.learning_rate },
        }
    }
}

/// Trains the runs of a comparison, each where it is not kept yet.
pub(super) struct Trainer<'a> {
    pub(super) recipe: Recipe,
    pub(super) folder: ComparisonFolder,
    pub(super) data: RunData,
    pub(super) data_folder: &'a Path,
    pub(super) device: DeviceName,
    pub(super) stop: &'a AtomicBool,
    pub(super) progress: &'a dyn ComparisonProgress,
    pub(super) memory: Option<PeakMemory>,
}

impl Trainer<'_> {
    /// One trial of the learning-rate grid, evaluated on the validation pictures alone. `None` where the comparison was
    /// stopped.
    pub(super) fn try_out(&self, trial: Trial) -> Result<Option<TuningRecord>, CompareError> {
        let name = trial.name();
        if let Some(record) = self.kept_trial(trial)? {
            // Where it was killed in between.
            self.folder.remove_trial(&name)?;
            return Ok(Some(record));
        }
        let Trial { loss, rate: learning_rate, seed } = trial;
        self.progress.run(&format!("{loss}, learning rate {learning_rate:e}"));
        let trained = self.open_run(trial, &name, &self.folder.trial(&name)).and_then(|mut run| {
            let whole = run.train_only(self.stop, self.progress)?;
            Ok(whole.then(|| run.score()))
        });
        let validation = match trained {
            Ok(None) => return Ok(None),
            Ok(Some(score)) => score.map(|point| point.score()),
            Err(error) if error.is_divergence() => {
                self.progress.note(&format!("{name}: {error}"));
                None
            }
            Err(source) => return Err(CompareError::Run { run: name, source: Box::new(source) }),
        };
        let record = TuningRecord { loss, learning_rate, seed, validation };
        self.folder.parts.write(&name, &record)?;
        self.folder.remove_trial(&name)?;
        self.progress.finish_run();
        Ok(Some(record))
    }

    /// One run that is compared; the only use of the test set. `None` if the comparison was stopped.
    pub(super) fn compared(&self, trial: Trial) -> Result<Option<RunPart>, CompareError> {
        let name = trial.run_name();
        if let Some(part) = self.kept_run(trial.loss, trial.seed, Some(trial.rate))? {
            return Ok(Some(part));
        }
        let Trial { loss, rate: learning_rate, seed } = trial;
        self.progress.run(&format!("{loss}, seed {seed}"));
        if let Some(memory) = self.memory {
            (memory.reset)();
        }
        let part = match self.train_and_test(trial, &name) {
            Ok(None) => return Ok(None),
            Ok(Some((report, cost))) => RunPart::Finished(Box::new(report.record(loss, seed, learning_rate, cost))),
            Err(error) if error.is_divergence() => {
                self.progress.note(&format!("{name}: {error}"));
                RunPart::Diverged(DivergedRun { loss, seed, learning_rate, reason: error.to_string() })
            }
            Err(source) => return Err(CompareError::Run { run: name, source: Box::new(source) }),
        };
        self.folder.parts.write(&name, &part)?;
        self.progress.finish_run();
        Ok(Some(part))
    }

    fn train_and_test(&self, trial: Trial, name: &str) -> Result<Option<(RunReport, Cost)>, RunError> {
        let mut run = self.open_run(trial, name, &self.folder.run(name))?;
        match run.train(self.stop, self.progress)? {
            Outcome::Interrupted { .. } => Ok(None),
            Outcome::Finished(report) => {
                let (step_ms, loss_ms) = run.times().map_or((0.0, None), |times| (times.step_ms, times.loss_ms));
                // A run that was over before has its peak in the process that ended it.
                let peak_bytes = self.memory.filter(|_| run.has_stepped()).map(|memory| (memory.peak)());
                let cost = Cost { step_ms, loss_ms, peak_bytes };
                Ok(Some((*report, cost)))
            }
        }
    }

    /// A finished trial of the grid.
    pub(super) fn kept_trial(&self, trial: Trial) -> Result<Option<TuningRecord>, CompareError> {
        let is_it = |record: &TuningRecord| {
            (record.loss, record.seed) == (trial.loss, trial.seed) && record.learning_rate == trial.rate
        };
        Ok(self.folder.parts.read(&trial.name(), is_it)?)
    }

    /// A finished run; with the rate it must have been trained at, once that is known.
    pub(super) fn kept_run(
        &self,
        loss: LossKind,
        seed: u64,
        rate: Option<f64>,
    ) -> Result<Option<RunPart>, CompareError> {
        let is_it = |part: &RunPart| {
            let found = part.trial();
            (found.loss, found.seed) == (loss, seed) && rate.is_none_or(|rate| found.rate == rate)
        };
        Ok(self.folder.parts.read(&Trial { loss, seed, rate: 0.0 }.run_name(), is_it)?)
    }

    fn open_run(&self, trial: Trial, name: &str, out: &Path) -> Result<Run, RunError> {
        Run::with_data(trial.recipe(&self.recipe, name), self.data.clone(), self.data_folder, self.device, out)
    }
}
