//! The run from its first step, or from where it was left, to its report.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use burn::tensor::Device;
use softnce_data::loader::Loader;
use softnce_data::mixing::Mixing;
use softnce_nn::models::Network;
use softnce_nn::weights;

use super::candidates::candidates;
use super::evaluate::{evaluate, judge};
use super::setup;
use super::state::{Best, Sums};
use super::step::{Accumulated, step};
use super::times::Clock;
use super::{
    EpochRecord, Look, Plan, Progress, RunData, RunError, RunFolder, RunInfo, StepReport, Times, TrainState,
    checkpoint, finish,
};
use crate::device::DeviceName;
use crate::metrics::Evaluation;
use crate::recipe::Recipe;
use crate::report::run::RunReport;

/// The last checkpoint: everything needed to go on.
pub const LAST: &str = "last.safetensors";
/// The weights that the figures are of, those of the best epoch or the last, under timm's names.
pub const BEST: &str = "best.safetensors";

/// At the end of an epoch a checkpoint is made where the last one is as old as this: short epochs would spend their
/// time on it. A run that is killed goes on from the last one, and ends the same.
const SAVE_EVERY: Duration = Duration::from_secs(10);

/// Within an epoch a checkpoint is made at least this often.
const SAVE_WITHIN: Duration = Duration::from_secs(300);

/// How a run ended.
#[derive(Debug)]
pub enum Outcome {
    /// All epochs are there, or it stopped early; the report is written.
    Finished(Box<RunReport>),
    /// Stopped on request; the same command goes on.
    Interrupted {
        /// Epochs that are done.
        epochs: usize,
    },
}

/// A recipe with its data, its network and its folder.
pub struct Run {
    recipe: Recipe,
    info: RunInfo,
    folder: RunFolder,
    data: RunData,
    device: Device,
    loader: Loader,
    mixing: Mixing,
    plan: Plan,
    state: TrainState,
    notes: Vec<String>,
    clock: Clock,
    saved: Instant,
}

impl Run {
    /// Reads the data, sets the network up and opens the folder; goes on from the checkpoint that is there.
    ///
    /// Everything that can be refused is refused here, before the folder is touched.
    ///
    /// # Errors
    /// A recipe out of range; data that cannot be read; a folder that cannot be used.
    pub fn open(recipe: Recipe, data_folder: &Path, device: DeviceName, out: &Path) -> Result<Run, RunError> {
        recipe.check()?;
        let recipe = recipe.resolved();
        let data = RunData::open(&recipe.data, data_folder)?;
        Run::with_data(recipe, data, data_folder, device, out)
    }

    /// The same with the data that [`RunData::open`] gave for this recipe.
    ///
    /// # Errors
    /// As [`Run::open`].
    pub fn with_data(
        recipe: Recipe,
        data: RunData,
        data_folder: &Path,
        device: DeviceName,
        out: &Path,
    ) -> Result<Run, RunError> {
        recipe.check()?;
        let (mut notes, loss) = (Vec::new(), recipe.loss.kind);
        if !loss.takes_soft_targets() && (recipe.mixing.is_some() || recipe.data.train_labels.is_some()) {
            notes.push(format!("{} takes hard labels: mixing and label distributions are left out", loss.title()));
        }
        if !loss.is_contrastive() && recipe.candidates.beyond_batch() {
            notes.push(format!("{} knows all classes: candidates beyond the batch are left out", loss.title()));
        }
        let recipe = recipe.resolved();
        let opened = device.open()?;
        let loader = setup::train_loader(&recipe, &data.train)?;
        let mixing = Mixing::new(recipe.mixing.clone().unwrap_or_default())?;
        let plan = Plan::new(&recipe, data.train.len(), loader.steps_per_epoch());
        let resumed = out.join(LAST).exists();
        let (state, more) = setup::state(&recipe, &data, data_folder, &opened, resumed)?;
        notes.extend(more);
        let beyond = recipe.candidates.beyond_batch();
        if recipe.loss.kind.is_contrastive()
            && let Some(warning) = recipe.mixing.as_ref().and_then(|mixing| mixing.warns_of_degeneracy(beyond))
        {
            notes.push(format!("warning: {warning}"));
        }
        let info = RunInfo::new(&recipe, &data, device)?;
        let folder = RunFolder::open(out, &recipe, &info)?;
        let (clock, saved) = (Clock::new(data.classes()), Instant::now());
        let mut run =
            Run { recipe, info, folder, data, device: opened, loader, mixing, plan, state, notes, clock, saved };
        if run.folder.file(LAST).exists() {
            run.state = checkpoint::load(run.state, &run.folder.file(LAST))?;
        }
        Ok(run)
    }

    /// The recipe as it is trained.
    pub fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// What the run is made with, beside its recipe.
    pub fn info(&self) -> &RunInfo {
        &self.info
    }

    /// The folder of the run.
    pub fn folder(&self) -> &RunFolder {
        &self.folder
    }

    /// The state as it stands.
    pub fn state(&self) -> &TrainState {
        &self.state
    }

    /// The pictures and labels.
    pub fn data(&self) -> &RunData {
        &self.data
    }

    /// Trains to the end, judges the network on the test pictures and writes the report.
    ///
    /// Checkpoints are made at the end of an epoch where the last one is ten seconds old, within an epoch after five
    /// minutes and where the recipe asks for it, on a stop, and at the end.
    ///
    /// # Errors
    /// Weights that diverge; pictures or files that cannot be read; a checkpoint that cannot be written. The checkpoint
    /// before is kept.
    pub fn train(&mut self, stop: &AtomicBool, progress: &dyn Progress) -> Result<Outcome, RunError> {
        if !self.train_only(stop, progress)? {
            return Ok(Outcome::Interrupted { epochs: self.state.position.epoch });
        }
        let (network, temperature) = self.chosen()?;
        let Some(judged) = judge(&network, &self.data, &self.recipe, temperature, &self.device, stop)? else {
            return Ok(Outcome::Interrupted { epochs: self.state.position.epoch });
        };
        Ok(Outcome::Finished(Box::new(finish::write(self, judged)?)))
    }

    /// Trains to the end without a look at the test pictures; `false` where it was stopped.
    ///
    /// # Errors
    /// As [`Run::train`].
    pub fn train_only(&mut self, stop: &AtomicBool, progress: &dyn Progress) -> Result<bool, RunError> {
        for note in &self.notes {
            progress.note(note);
        }
        progress.start(self.plan.epochs, self.state.position.epoch, self.plan.batches);
        while !self.state.position.finished {
            if !self.epoch(stop, progress)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The validation pictures after the epoch that counts: the best, or the last. `None` where none was looked at.
    pub fn score(&self) -> Option<Look> {
        let mut looks = self.state.history.iter().filter(|record| record.validation.is_some());
        let best = self.state.position.best.filter(|_| self.recipe.evaluation.best);
        match best {
            Some(best) => looks.find(|record| record.epoch == best.epoch),
            None => looks.next_back(),
        }
        .and_then(|record| record.validation)
    }

    /// What a step took in the sitting that ended the training, the loss alone measured on one of its batches; `None`
    /// until then.
    pub fn times(&self) -> Option<Times> {
        self.state.position.times
    }

    /// Whether a step was taken since the run was opened.
    pub fn has_stepped(&self) -> bool {
        self.clock.has_stepped()
    }

    /// The weights that the test figures are of: those of the best epoch, or the last.
    /// With their temperature.
    fn chosen(&self) -> Result<(Network, f64), RunError> {
        let (judged, position) = (self.state.judged(), &self.state.position);
        if !self.recipe.evaluation.best {
            self.write_weights(&judged, position.epoch)?;
            return Ok((judged, self.state.loss.temperature()?));
        }
        let file = self.folder.file(BEST);
        let found = weights::read_metadata(&file)?;
        let expected = position.best.map_or(0, |best| best.epoch).to_string();
        let temperature = found.get("temperature").and_then(|value| value.parse().ok());
        match (found.get("epoch"), temperature) {
            (Some(epoch), Some(temperature)) if *epoch == expected => {
                Ok((weights::apply(judged, &weights::read_checkpoint(&file)?)?, temperature))
            }
            (epoch, _) => {
                let epoch = epoch.map_or("no", String::as_str);
                let reason = format!("it holds the weights of epoch {epoch}, expected those of epoch {expected}");
                Err(RunError::Corrupt { path: file, reason })
            }
        }
    }

    /// One epoch, from where it was left; `false` where it was stopped.
    fn epoch(&mut self, stop: &AtomicBool, progress: &dyn Progress) -> Result<bool, RunError> {
        let device = self.device.clone().autodiff();
        let number = self.state.position.epoch;
        let mut accumulated = Accumulated::default();
        let mut since = Instant::now();
        let mut sitting = Sums::default();
        // Between two optimiser steps there is nothing but the state: so it is kept only there.
        for batch in self.loader.epoch(number as u64, self.state.position.batch) {
            let at = self.state.position.batch;
            let between = at == self.plan.group(at).start;
            let start = Instant::now();
            let stopped = stop.load(Ordering::Relaxed);
            if between && (stopped || batch.is_err() || (sitting.rows > 0 && self.is_due())) {
                self.save()?;
            }
            if between && stopped {
                return Ok(false);
            }
            let batch = batch?;
            let waited = (start - since).as_secs_f64();
            let start = Instant::now();
            let queue = self.state.queue.as_ref();
            let candidates = candidates(&self.recipe, &self.mixing, &self.data.train, queue, &batch, number, at)?;
            let (rows, kept) = (batch.labels.len(), candidates.clone());
            let logits = step(&mut self.state, &mut accumulated, &self.recipe, &self.plan, batch, candidates, &device)?;
            self.clock.add(start, logits, kept);
            let sums = &mut self.state.position.sums;
            let seconds = waited + start.elapsed().as_secs_f64();
            sums.seconds += seconds;
            sums.waited += waited;
            self.state.position.seconds += seconds;
            sitting.rows += rows;
            sitting.seconds += seconds;
            progress.step(&self.report(&sitting));
            since = Instant::now();
        }
        self.close_epoch(stop, progress)
    }

    /// Whether a checkpoint within the epoch is due.
    fn is_due(&self) -> bool {
        let steps = self.state.position.optimizer_steps;
        let asked = self.recipe.training.checkpoint_steps.is_some_and(|every| steps.is_multiple_of(every));
        asked || self.saved.elapsed() >= SAVE_WITHIN
    }

    /// Judges the epoch, writes it down and makes the checkpoints; `false` where it was stopped.
    fn close_epoch(&mut self, stop: &AtomicBool, progress: &dyn Progress) -> Result<bool, RunError> {
        let start = Instant::now();
        let epoch = self.state.position.epoch + 1;
        let last = epoch == self.plan.epochs;
        let mut looked = None;
        if last || epoch.is_multiple_of(self.recipe.training.evaluate_every) {
            // A picture that cannot be read must not cost the epoch.
            if self.saved.elapsed() >= SAVE_EVERY {
                self.save()?;
            }
            let (network, temperature) = (self.state.judged(), self.state.loss.temperature()?);
            let judges = self.data.judges();
            let found = evaluate(&network, judges, &self.recipe, None, temperature, &self.device, stop)?;
            let Some(found) = found else {
                self.save()?;
                return Ok(false);
            };
            let new = Best { epoch, top1: found.overall.top1, nll: found.overall.nll };
            if self.state.position.best.is_none_or(|best| new.beats(&best)) {
                self.state.position.best = Some(new);
                self.state.position.looks_since_best = 0;
                if self.recipe.evaluation.best {
                    self.write_weights(&network, epoch)?;
                }
            } else {
                self.state.position.looks_since_best += 1;
            }
            let Evaluation { top1, top5, nll, .. } = found.overall;
            looked = Some(Look { top1, top5, nll });
        }
        let position = &mut self.state.position;
        position.seconds += start.elapsed().as_secs_f64();
        let sums = std::mem::take(&mut position.sums);
        let record = EpochRecord {
            epoch,
            train_loss: sums.loss / sums.rows.max(1) as f64,
            train_top1: sums.correct as f64 / sums.rows.max(1) as f64,
            learning_rate: self.plan.schedule.at(position.optimizer_steps.saturating_sub(1)),
            validation: looked,
            waited: sums.waited / sums.seconds.max(1e-9),
            samples_per_second: sums.rows as f64 / sums.seconds.max(1e-9),
            seconds: position.seconds,
        };
        (position.epoch, position.batch) = (epoch, 0);
        let patience = self.recipe.training.patience;
        position.finished = last || patience.is_some_and(|patience| position.looks_since_best >= patience);
        self.state.history.push(record.clone());
        if self.state.position.finished {
            self.state.position.times = Some(self.clock.times(&self.state.loss, &self.device)?);
        }
        if self.state.position.finished || self.saved.elapsed() >= SAVE_EVERY {
            self.save()?;
        }
        progress.epoch(&record);
        Ok(true)
    }

    fn save(&mut self) -> Result<(), RunError> {
        checkpoint::save(&self.state, &self.folder.file(LAST))?;
        self.saved = Instant::now();
        Ok(())
    }

    fn write_weights(&self, network: &Network, epoch: usize) -> Result<(), RunError> {
        let metadata = self.metadata(epoch);
        Ok(weights::write_safetensors(&self.folder.file(BEST), &weights::named(network)?, &metadata)?)
    }

    /// What is written beside exported weights.
    pub(super) fn metadata(&self, epoch: usize) -> std::collections::BTreeMap<String, String> {
        let pairs = [
            ("softnce_version", env!("CARGO_PKG_VERSION").to_owned()),
            ("recipe", self.recipe.name.clone()),
            ("epoch", epoch.to_string()),
            ("temperature", self.state.loss.temperature().map_or_else(|_| String::new(), |value| value.to_string())),
        ];
        pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    }

    fn report(&self, sitting: &Sums) -> StepReport {
        let (position, plan) = (&self.state.position, &self.plan);
        let pace = sitting.rows as f64 / sitting.seconds.max(1e-9);
        let an_epoch = plan.rows(0..plan.batches);
        let left = (plan.epochs - position.epoch) * an_epoch - plan.rows(0..position.batch);
        StepReport {
            epoch: position.epoch + 1,
            step: position.batch,
            steps: plan.batches,
            loss: position.sums.loss / position.sums.rows.max(1) as f64,
            top1: position.sums.correct as f64 / position.sums.rows.max(1) as f64,
            learning_rate: plan.schedule.at(position.optimizer_steps.saturating_sub(1)),
            samples_per_second: pace,
            seconds_left: left as f64 / pace.max(1e-9),
        }
    }
}
