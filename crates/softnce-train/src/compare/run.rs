//! The comparison run from end to end: the learning-rate grid, the seeds, the test set, the report.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use softnce::LossKind;
use softnce_data::sets::Layout;
use softnce_metrics::best_setting;
use softnce_report::comparison as report;
use softnce_report::results::{
    Comparison, ComparisonPlan, DivergedRun, RunRecord, Setting, TuningRecord, summarise_runs,
};

use super::error::CompareError;
use super::folder::ComparisonFolder;
use super::progress::{ComparisonProgress, PeakMemory};
use super::trial::{RunPart, Trainer, Trial};
use crate::device::DeviceName;
use crate::memory::available;
use crate::recipe::Recipe;
use crate::runs::{RunData, RunError, RunInfo, Summary, notes, weights_file};

/// How a comparison ended.
#[derive(Debug)]
#[allow(clippy::large_enum_variant)]
pub enum Outcome {
    /// All runs are there and the report is written.
    Finished(Comparison),
    /// Stopped on request; the finished runs are kept, and the same recipe continues after them.
    Interrupted {
        /// Runs finished, the grid's included.
        finished: usize,
        /// Runs planned, the grid's included.
        planned: usize,
    },
}

/// First seed of the runs on the learning-rate grid: beyond those compared.
pub const FIRST_TUNING_SEED: u64 = 1_000_003;

/// A comparison of losses over one recipe.
pub struct ComparisonRun<'a> {
    trainer: Trainer<'a>,
    summary: Summary,
    rates: Vec<f64>,
    command: String,
}

/// What a comparison needs beside its recipe: folders, device, stop flag, receiver of its progress.
#[derive(Clone, Copy)]
pub struct ComparisonContext<'a> {
    /// The folder of all data, in which the recipe's relative paths lie.
    pub data_folder: &'a Path,
    /// The device.
    pub device: DeviceName,
    /// The folder of the comparison.
    pub out: &'a Path,
    /// Set to stop it at the next step.
    pub stop: &'a AtomicBool,
    /// Receives its progress.
    pub progress: &'a dyn ComparisonProgress,
    /// Counts allocated memory, where the program can.
    pub memory: Option<PeakMemory>,
    /// Whether to train even if the expected memory is more than is available.
    pub force: bool,
}

impl<'a> ComparisonRun<'a> {
    /// Checks the recipe, reads the data and opens the folder. `command`: the command that runs it again, for the
    /// report.
    ///
    /// # Errors
    /// A recipe out of range; data that cannot be read; a folder that cannot be used.
    pub fn open(recipe: Recipe, command: String, context: ComparisonContext<'a>) -> Result<Self, CompareError> {
        recipe.check().map_err(RunError::from)?;
        let mut rates = recipe.compare.learning_rates.clone();
        if rates.is_empty() {
            rates.extend(recipe.optimizer.peak(recipe.samples_per_step()));
        }
        if rates.len() > 1 && recipe.data.validation_share == 0.0 {
            return Err(CompareError::NoValidation);
        }
        context.device.open().map_err(RunError::from)?;
        let data = RunData::open(&recipe.data, context.data_folder)?;
        if let Some(weights) = &recipe.weights {
            weights_file(weights, context.data_folder)?;
        }
        let summary = Summary::new(&recipe, &data)?;
        if !context.force {
            summary.check_memory(context.device, available())?;
        }
        // Refused and noted here, and not when the turn of a loss comes.
        let mut told = Vec::new();
        for &loss in &recipe.compare.losses {
            let mut recipe = recipe.clone();
            recipe.loss.kind = loss;
            recipe.check().map_err(RunError::from)?;
            for note in notes(&recipe, &data)? {
                if !told.contains(&note) {
                    context.progress.note(&note);
                    told.push(note);
                }
            }
        }
        let info = RunInfo::new(&recipe, &data, context.device)?;
        let folder = ComparisonFolder::open(context.out, &recipe, info)?;
        let ComparisonContext { data_folder, device, stop, progress, memory, .. } = context;
        let trainer = Trainer { recipe, folder, data, data_folder, device, stop, progress, memory };
        Ok(ComparisonRun { trainer, summary, rates, command })
    }

    /// Runs what is not there yet, then writes `results.json`, `results.csv`, `results.md`, `figure.svg` and
    /// `report.html`.
    ///
    /// # Errors
    /// A run that fails; a file that cannot be written. What was finished stays.
    pub fn run(&self) -> Result<Outcome, CompareError> {
        let compare = &self.trainer.recipe.compare;
        let trials = self.trials();
        let planned = trials.len() + compare.losses.len() * compare.seeds as usize;
        self.trainer.progress.start_runs(planned, self.count_finished(&trials)?);
        let interrupted = || -> Result<Outcome, CompareError> {
            Ok(Outcome::Interrupted { finished: self.count_finished(&trials)?, planned })
        };

        let mut tuning = Vec::with_capacity(trials.len());
        for &trial in &trials {
            match self.trainer.try_out(trial)? {
                Some(record) => tuning.push(record),
                None => return interrupted(),
            }
        }
        let rate_of = |&loss: &LossKind| self.choose(loss, &tuning).map(|rate| (loss, rate));
        let chosen: Vec<(LossKind, f64)> = compare.losses.iter().filter_map(rate_of).collect();
        let (mut runs, mut diverged) = (Vec::new(), Vec::new());
        // Seeds outside, losses inside: an interrupted comparison holds whole pairs.
        for seed in 0..compare.seeds {
            for &(loss, rate) in &chosen {
                match self.trainer.compared(Trial { loss, rate, seed })? {
                    Some(RunPart::Finished(record)) => runs.push(*record),
                    Some(RunPart::Diverged(record)) => diverged.push(record),
                    None => return interrupted(),
                }
            }
        }
        if runs.is_empty() {
            let first = diverged.first().map(|run| format!("; {}, seed {}: {}", run.loss, run.seed, run.reason));
            return Err(CompareError::AllDiverged { rates: self.rates.clone(), first: first.unwrap_or_default() });
        }
        runs.sort_by_key(|run| compare.losses.iter().position(|&loss| loss == run.loss));
        let comparison = self.comparison(tuning, runs, diverged)?;
        let files = &self.trainer.folder.files;
        files.write_sealed_json("results.json", &comparison)?;
        files.write_csv("results.csv", report::rows(&comparison))?;
        for (name, content) in report::files(&comparison)? {
            files.write(name, content)?;
        }
        Ok(Outcome::Finished(comparison))
    }

    /// The learning-rate grid; empty where there is but one rate.
    fn trials(&self) -> Vec<Trial> {
        let compare = &self.trainer.recipe.compare;
        if self.rates.len() < 2 {
            return Vec::new();
        }
        let mut trials = Vec::new();
        for &loss in &compare.losses {
            for &rate in &self.rates {
                let seeds = (FIRST_TUNING_SEED..).take(compare.tuning_seeds as usize);
                trials.extend(seeds.map(|seed| Trial { loss, rate, seed }));
            }
        }
        trials
    }

    /// The rate with the best mean over its trials; `None` where the loss diverged at every rate.
    fn choose(&self, loss: LossKind, tuning: &[TuningRecord]) -> Option<f64> {
        if let [only] = self.rates[..] {
            return Some(only);
        }
        best_setting(self.rates.iter().filter_map(|&rate| {
            let trials = tuning.iter().filter(|trial| trial.loss == loss && trial.learning_rate == rate);
            TuningRecord::mean(trials).map(|score| (rate, score))
        }))
    }

    fn count_finished(&self, trials: &[Trial]) -> Result<usize, CompareError> {
        let mut finished = 0;
        for &trial in trials {
            finished += usize::from(self.trainer.kept_trial(trial)?.is_some());
        }
        for &loss in &self.trainer.recipe.compare.losses {
            for seed in 0..self.trainer.recipe.compare.seeds {
                finished += usize::from(self.trainer.kept_run(loss, seed, None)?.is_some());
            }
        }
        Ok(finished)
    }

    fn comparison(
        &self,
        tuning: Vec<TuningRecord>,
        runs: Vec<RunRecord>,
        diverged: Vec<DivergedRun>,
    ) -> Result<Comparison, CompareError> {
        let (recipe, summary) = (&self.trainer.recipe, &self.summary);
        let [train, validation, test] = summary.pictures;
        Ok(Comparison {
            title: format!("Classifier losses compared: {}", recipe.name),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            setting: Setting {
                data: data_in_words(recipe),
                train,
                validation,
                test,
                classes: summary.classes,
                network: recipe.network.describe(summary.input, summary.classes),
                parameters: summary.trained,
            },
            plan: ComparisonPlan {
                losses: recipe.compare.losses.clone(),
                epochs: recipe.schedule.epochs,
                learning_rates: self.rates.clone(),
                tuning_seeds: recipe.compare.tuning_seeds,
            },
            recipe: recipe.to_toml().map_err(RunError::from)?,
            command: self.command.clone(),
            summaries: summarise_runs(&recipe.compare.losses, &runs)?,
            tuning,
            runs,
            diverged,
        })
    }
}

/// Name and origin of the data.
fn data_in_words(recipe: &Recipe) -> String {
    let section = &recipe.data;
    if let Some(origin) = section.layout.and_then(Layout::origin) {
        return origin.to_owned();
    }
    let name = section.path.as_ref().map_or_else(|| recipe.name.clone(), |path| path.display().to_string());
    match section.imbalance {
        Some(imbalance) => format!("{name}, its training classes thinned to a long tail of {imbalance} to 1"),
        None => name,
    }
}
