//! The comparison run from end to end: the learning-rate grid, the seeds, the test set, the report.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use burn::tensor::Device;
use softnce::LossKind;

use super::folder::to_json;
use super::part::{RunPart, Trial, run_name};
use super::summary::summarise_runs;
use super::{
    CompareConfig, CompareError, Cost, DivergedRun, EpochRecord, Results, RunFolder, RunRecord, Setting, TuningRecord,
    TuningScore,
};
use crate::data::{PictureSet, optdigits, split};
use crate::metrics::evaluate;
use crate::model::MlpConfig;
use crate::report::{self, Comparison};
use crate::training::{TrainError, Trained, build_loss, predict, train};

/// Told of the comparison's progress.
pub trait Progress {
    /// The comparison starts with `finished` of `runs` runs already there, `epochs` epochs each.
    fn start(&self, runs: usize, finished: usize, epochs: usize);
    /// A run starts.
    fn run(&self, label: &str);
    /// An epoch of the run is over.
    fn epoch(&self, record: &EpochRecord);
    /// The run is over and kept.
    fn finished(&self);
}

/// Counts allocated memory; the program installs the allocator.
pub trait PeakMemory {
    /// Starts counting the peak anew.
    fn reset(&self);
    /// Largest number of bytes allocated at once since the reset.
    fn peak(&self) -> u64;
}

/// How a comparison ended.
#[derive(Debug)]
#[allow(clippy::large_enum_variant)]
pub enum Outcome {
    /// All runs are there and the report is written.
    Finished(Results),
    /// Stopped on request; the finished runs are kept, and the same configuration continues after them.
    Interrupted {
        /// Runs finished, the grid's included.
        finished: usize,
        /// Runs planned, the grid's included.
        planned: usize,
    },
}

/// Seed of the split into training and validation pictures.
const SPLIT_SEED: u64 = 1_000_033;
/// First seed of the runs on the learning-rate grid: beyond those compared.
const FIRST_TUNING_SEED: u64 = 1_000_003;

/// A comparison over the embedded optdigits pictures.
pub struct Study<'a> {
    config: &'a CompareConfig,
    folder: RunFolder,
    train: PictureSet,
    validation: PictureSet,
    device: Device,
    stop: &'a AtomicBool,
    progress: &'a dyn Progress,
    memory: Option<&'a dyn PeakMemory>,
}

impl<'a> Study<'a> {
    /// Checks the configuration, opens the folder and splits the training pictures.
    ///
    /// # Errors
    /// A setting out of range; a folder that cannot be used ([`RunFolder::open`]).
    pub fn open(
        config: &'a CompareConfig,
        out: &Path,
        stop: &'a AtomicBool,
        progress: &'a dyn Progress,
        memory: Option<&'a dyn PeakMemory>,
    ) -> Result<Self, CompareError> {
        config.check()?;
        let pictures = optdigits::train()?;
        let (train, held_out) =
            split::stratified(&pictures.labels, pictures.classes, config.validation_share, SPLIT_SEED)?;
        let (train, validation) = (pictures.select(&train)?, pictures.select(&held_out)?);
        let device = Device::flex().autodiff();
        for &loss in &config.losses {
            let settings = config.training(loss, 0, config.learning_rates[0])?;
            build_loss(&settings, &train, &device).map_err(CompareError::Build)?;
        }
        let folder = RunFolder::open(out, config)?;
        Ok(Study { config, folder, train, validation, device, stop, progress, memory })
    }

    /// Runs what is not there yet, then writes `results.json`, `results.csv`, `results.md` and `report.html`.
    ///
    /// # Errors
    /// A run that fails; a file that cannot be written. What was finished stays.
    pub fn run(&self) -> Result<Outcome, CompareError> {
        let tuning_seeds: Vec<u64> = (FIRST_TUNING_SEED..).take(self.config.tuning_seeds as usize).collect();
        let trials: Vec<Trial> = if self.config.learning_rates.len() > 1 {
            let pairs = product(&self.config.losses, &self.config.learning_rates);
            product(&pairs, &tuning_seeds).into_iter().map(|((loss, rate), seed)| Trial { loss, rate, seed }).collect()
        } else {
            Vec::new()
        };
        let seeds: Vec<u64> = (0..self.config.seeds).collect();
        let planned = trials.len() + self.config.losses.len() * seeds.len();
        self.progress.start(planned, self.count_finished(&trials, &seeds)?, self.config.epochs);
        let interrupted = || -> Result<Outcome, CompareError> {
            Ok(Outcome::Interrupted { finished: self.count_finished(&trials, &seeds)?, planned })
        };

        let mut tuning = Vec::with_capacity(trials.len());
        for &trial in &trials {
            match self.trial(trial)? {
                Some(record) => tuning.push(record),
                None => return interrupted(),
            }
        }
        let rate_of = |&loss: &LossKind| self.choose(loss, &tuning).map(|rate| (loss, rate));
        let chosen: Vec<(LossKind, f64)> = self.config.losses.iter().filter_map(rate_of).collect();
        let (mut runs, mut diverged) = (Vec::new(), Vec::new());
        // Seeds outside, losses inside: an interrupted comparison holds whole pairs.
        for &seed in &seeds {
            for &(loss, learning_rate) in &chosen {
                match self.seeded(loss, seed, learning_rate)? {
                    Some(RunPart::Finished(record)) => runs.push(*record),
                    Some(RunPart::Diverged(record)) => diverged.push(record),
                    None => return interrupted(),
                }
            }
        }
        if runs.is_empty() {
            return Err(CompareError::AllDiverged { rates: self.config.learning_rates.clone() });
        }
        runs.sort_by_key(|run| self.config.losses.iter().position(|&loss| loss == run.loss));
        let results = self.results(tuning, runs, diverged)?;
        self.folder.write("results.json", &to_json(&results, &self.folder.path().join("results.json"))?)?;
        let comparison = Comparison::from(&results);
        self.folder.write("results.csv", report::rows(&comparison)?.as_bytes())?;
        self.folder.write("results.md", report::markdown(&comparison).as_bytes())?;
        self.folder.write("report.html", report::page(&comparison)?.as_bytes())?;
        Ok(Outcome::Finished(results))
    }

    /// One trial of the learning-rate grid. `None` where the comparison was stopped.
    fn trial(&self, trial: Trial) -> Result<Option<TuningRecord>, CompareError> {
        if let Some(record) = self.kept_trial(trial)? {
            return Ok(Some(record));
        }
        let Trial { loss, rate: learning_rate, seed } = trial;
        self.progress.run(&format!("{loss}, learning rate {learning_rate}"));
        let validation = match self.train(loss, seed, learning_rate) {
            Ok(None) => return Ok(None),
            Ok(Some(trained)) => {
                trained.epochs.last().map(|last| TuningScore { top1: last.validation_top1, nll: last.validation_nll })
            }
            Err(error) if error.is_divergence() => None,
            Err(source) => return Err(CompareError::Run { run: trial.name(), source }),
        };
        let record = TuningRecord { loss, learning_rate, seed, validation };
        self.folder.write_part(&trial.name(), &record)?;
        self.progress.finished();
        Ok(Some(record))
    }

    /// The rate with the best mean validation accuracy; between equals the lower negative log likelihood decides, then
    /// the lower rate. `None` where the loss diverged at every rate.
    fn choose(&self, loss: LossKind, tuning: &[TuningRecord]) -> Option<f64> {
        if let [only] = self.config.learning_rates[..] {
            return Some(only);
        }
        let scored = self.config.learning_rates.iter().filter_map(|&rate| {
            let trials = tuning.iter().filter(|trial| trial.loss == loss && trial.learning_rate == rate);
            TuningScore::mean(trials).map(|score| (rate, score))
        });
        // Equal counts of right pictures are equal, whatever the rounding of their mean.
        let rank = |score: &TuningScore| (score.top1 * 1e9).round();
        let best = scored.max_by(|(rate_a, a), (rate_b, b)| {
            rank(a).total_cmp(&rank(b)).then(b.nll.total_cmp(&a.nll)).then(rate_b.total_cmp(rate_a))
        });
        best.map(|(rate, _)| rate)
    }

    /// One run that is compared, with its only look at the test set. `None` where the comparison was stopped.
    fn seeded(&self, loss: LossKind, seed: u64, learning_rate: f64) -> Result<Option<RunPart>, CompareError> {
        let name = run_name(loss, seed);
        if let Some(part) = self.kept_run(loss, seed, Some(learning_rate))? {
            return Ok(Some(part));
        }
        self.progress.run(&format!("{loss}, seed {seed}"));
        if let Some(memory) = self.memory {
            memory.reset();
        }
        let part = match self.train_and_test(loss, seed, learning_rate) {
            Ok(None) => return Ok(None),
            Ok(Some(record)) => RunPart::Finished(Box::new(record)),
            Err(error) if error.is_divergence() => {
                RunPart::Diverged(DivergedRun { loss, seed, learning_rate, reason: error.to_string() })
            }
            Err(source) => return Err(CompareError::Run { run: name, source }),
        };
        self.folder.write_part(&name, &part)?;
        self.progress.finished();
        Ok(Some(part))
    }

    fn train_and_test(&self, loss: LossKind, seed: u64, learning_rate: f64) -> Result<Option<RunRecord>, TrainError> {
        let Some(trained) = self.train(loss, seed, learning_rate)? else { return Ok(None) };
        let peak_bytes = self.memory.map(PeakMemory::peak);
        let pictures = optdigits::test()?;
        let logits = predict(&trained.model, &pictures, &self.device)?;
        let test = evaluate(logits.view(), self.config.temperature, &pictures.labels)?;
        let cost = Cost { step_ms: trained.step_ms, loss_ms: Some(trained.loss_ms), peak_bytes };
        Ok(Some(RunRecord { loss, seed, learning_rate, epochs: trained.epochs, test, scaled: None, cost }))
    }

    fn train(&self, loss: LossKind, seed: u64, learning_rate: f64) -> Result<Option<Trained>, TrainError> {
        let settings = self.config.training(loss, seed, learning_rate)?;
        train(&settings, &self.train, &self.validation, &self.device, self.stop, |record| self.progress.epoch(record))
    }

    fn kept_trial(&self, trial: Trial) -> Result<Option<TuningRecord>, CompareError> {
        let is_it = |record: &TuningRecord| {
            (record.loss, record.seed) == (trial.loss, trial.seed) && record.learning_rate == trial.rate
        };
        self.folder.read_part(&trial.name(), is_it)
    }

    /// A finished run; with the rate it must have been trained at, once that is known.
    fn kept_run(&self, loss: LossKind, seed: u64, rate: Option<f64>) -> Result<Option<RunPart>, CompareError> {
        let is_it = |part: &RunPart| {
            let (of, with, at) = match part {
                RunPart::Finished(run) => (run.loss, run.seed, run.learning_rate),
                RunPart::Diverged(run) => (run.loss, run.seed, run.learning_rate),
            };
            (of, with) == (loss, seed) && rate.is_none_or(|rate| at == rate)
        };
        self.folder.read_part(&run_name(loss, seed), is_it)
    }

    fn count_finished(&self, trials: &[Trial], seeds: &[u64]) -> Result<usize, CompareError> {
        let mut finished = 0;
        for &trial in trials {
            finished += usize::from(self.kept_trial(trial)?.is_some());
        }
        for (loss, seed) in product(&self.config.losses, seeds) {
            finished += usize::from(self.kept_run(loss, seed, None)?.is_some());
        }
        Ok(finished)
    }

    fn results(
        &self,
        tuning: Vec<TuningRecord>,
        runs: Vec<RunRecord>,
        diverged: Vec<DivergedRun>,
    ) -> Result<Results, CompareError> {
        let inputs = self.train.height * self.train.width;
        let network = MlpConfig::new(inputs, self.config.hidden.clone(), self.train.classes);
        let widths: Vec<String> = network.widths().iter().map(usize::to_string).collect();
        Ok(Results {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            config: self.config.clone(),
            setting: Setting {
                data: format!(
                    "{}; the test pictures are by other writers than those for training and validation",
                    optdigits::ORIGIN.trim_end_matches('.')
                ),
                train: self.train.len(),
                validation: self.validation.len(),
                test: optdigits::test()?.len(),
                classes: self.train.classes,
                network: format!("multilayer perceptron of widths {} with ReLU", widths.join("-")),
                parameters: network.num_params(),
            },
            summaries: summarise_runs(&self.config.losses, &runs)?,
            tuning,
            runs,
            diverged,
        })
    }
}

fn product<A: Copy, B: Copy>(left: &[A], right: &[B]) -> Vec<(A, B)> {
    left.iter().flat_map(|&a| right.iter().map(move |&b| (a, b))).collect()
}
