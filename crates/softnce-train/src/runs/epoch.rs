//! One epoch of a run: its batches, the validation, the checkpoints.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use softnce::ClassSampler;
use softnce_metrics::{Evaluation, ValidationScore};
use softnce_report::results::{EpochRecord, ValidationPoint};

use super::candidates::candidates;
use super::error::RunError;
use super::evaluate::evaluate;
use super::files::LAST;
use super::history::HistoryFiles;
use super::meter::Meter;
use super::progress::{Progress, StepReport};
use super::state::{Best, NewBest, Sums};
use super::step::{Accumulated, Course, step};
use super::train::Run;
use crate::device::is_cpu;

/// At the end of an epoch, a checkpoint is written if the last one is this old: one after each short epoch would take
/// most of the time. A run that is killed continues from the last checkpoint, with the same result.
const SAVE_EVERY: Duration = Duration::from_secs(10);

/// On a GPU, loss and accuracy are read this often for the progress line: a read waits for the device.
const READ_EVERY: Duration = Duration::from_millis(500);

/// Within an epoch, a checkpoint is written at least this often.
const SAVE_WITHIN: Duration = Duration::from_secs(300);

impl Run {
    /// Trains an epoch, or the rest of one; `false` if it was stopped.
    pub(super) fn epoch(
        &mut self,
        stop: &AtomicBool,
        progress: &dyn Progress,
        history: &mut HistoryFiles,
    ) -> Result<bool, RunError> {
        let device = self.device.clone().autodiff();
        let number = self.state.position.epoch;
        let mut accumulated = Accumulated::default();
        let mut meter = Meter::new(if is_cpu(&device) { Duration::ZERO } else { READ_EVERY });
        let mut since = Instant::now();
        let mut since_start = Sums::default();
        let classes = self.data.train.pictures.class_names().len();
        let sampler = ClassSampler::new(self.state.loss.settings().noise(), classes)?;
        // The state is complete only between two optimiser steps, so it is saved only there.
        for batch in self.loader.epoch(number as u64, self.state.position.batch) {
            let at = self.state.position.batch;
            let between = at == self.plan.group(at).start;
            let start = Instant::now();
            let stopped = stop.load(Ordering::Relaxed);
            // Not before the first checkpoint: the next start may then be on a set without the bad picture.
            let failed = batch.is_err() && self.folder.file(LAST).exists();
            let asked = stopped && self.state.position.optimizer_steps > 0;
            if between && (asked || failed || (since_start.rows > 0 && self.is_due())) {
                self.clock.done(meter.read(&mut self.state.position)?);
                self.save(history)?;
            }
            if between && stopped {
                return Ok(false);
            }
            let batch = batch?;
            let waited = (start - since).as_secs_f64();
            let start = Instant::now();
            let queue = self.state.queue.as_ref();
            let candidates =
                candidates(&self.recipe, &self.mixing, &self.data.train, queue, &sampler, &batch, number, at)?;
            let (rows, kept) = (batch.labels.len(), candidates.clone());
            let (recipe, plan, adjustment) = (&self.recipe, &self.plan, self.adjustment.as_deref());
            let course = Course { recipe, plan, device: &device, adjustment };
            let rate = plan.schedule.at(self.state.position.optimizer_steps);
            let stepped = step(&mut self.state, &mut accumulated, course, batch, candidates);
            let (measured, logits) = stepped.map_err(|error| error.at(number + 1, at + 1, rate))?;
            meter.add(measured);
            let read = meter.read_if_due(&mut self.state.position)?;
            let busy = start.elapsed().as_secs_f64();
            self.clock.add(busy, logits, kept);
            self.clock.done(read);
            let sums = &mut self.state.position.sums;
            let seconds = waited + busy;
            sums.seconds += seconds;
            sums.waited += waited;
            self.state.position.seconds += seconds;
            since_start.rows += rows;
            since_start.seconds += seconds;
            progress.step(&self.report(&since_start));
            since = Instant::now();
        }
        let start = Instant::now();
        self.clock.done(meter.read(&mut self.state.position)?);
        let rest = start.elapsed().as_secs_f64();
        self.state.position.sums.seconds += rest;
        self.state.position.seconds += rest;
        self.close_epoch(stop, progress, history)
    }

    /// Whether a checkpoint within the epoch is due.
    fn is_due(&self) -> bool {
        let steps = self.state.position.optimizer_steps;
        let asked = self.recipe.training.checkpoint_steps.is_some_and(|every| steps.is_multiple_of(every));
        asked || self.saved.elapsed() >= SAVE_WITHIN
    }

    /// Validates after the epoch, records it and writes the checkpoint; `false` if it was stopped.
    fn close_epoch(
        &mut self,
        stop: &AtomicBool,
        progress: &dyn Progress,
        history: &mut HistoryFiles,
    ) -> Result<bool, RunError> {
        let start = Instant::now();
        let epoch = self.state.position.epoch + 1;
        let last = epoch == self.plan.epochs;
        let mut validation = None;
        if last || epoch.is_multiple_of(self.recipe.training.evaluate_every) {
            // A validation picture that cannot be read must not lose the epoch.
            if self.saved.elapsed() >= SAVE_EVERY {
                self.save(history)?;
            }
            let (network, temperature) = (self.state.evaluated_network(), self.temperature()?);
            let pictures = self.data.validation_or_test();
            let seen = |done| progress.validation(done, pictures.len());
            let found = evaluate(&network, pictures, &self.recipe, temperature, &self.device, stop, &seen);
            let found = found.map_err(|error| self.located(error))?;
            let Some(found) = found else {
                self.save(history)?;
                return Ok(false);
            };
            let score = ValidationScore { top1: found.overall.top1, nll: found.overall.nll };
            if self.state.position.best.as_ref().is_none_or(|best| score.beats(&best.score)) {
                self.state.position.best = Some(Best { epoch, score, checksum: None });
                self.state.position.validations_since_best = 0;
                self.new_best = self.recipe.evaluation.best.then_some(NewBest { network, temperature });
            } else {
                self.state.position.validations_since_best += 1;
            }
            let Evaluation { top1, top5, nll, .. } = found.overall;
            validation = Some(ValidationPoint { top1, top5, nll });
        }
        let position = &mut self.state.position;
        position.seconds += start.elapsed().as_secs_f64();
        let sums = std::mem::take(&mut position.sums);
        let record = EpochRecord {
            epoch,
            train_loss: sums.loss / sums.rows.max(1) as f64,
            train_top1: sums.correct as f64 / sums.rows.max(1) as f64,
            learning_rate: self.plan.schedule.at(position.optimizer_steps.saturating_sub(1)),
            validation,
            waited: sums.waited / sums.seconds.max(1e-9),
            samples_per_second: sums.rows as f64 / sums.seconds.max(1e-9),
            seconds: position.seconds,
        };
        (position.epoch, position.batch) = (epoch, 0);
        self.state.position.finished = self.is_over();
        self.state.history.push(record.clone());
        // Before the checkpoint: a run that continues from an earlier one writes the epoch again.
        history.add(&record)?;
        if self.state.position.finished {
            self.state.position.times = Some(self.clock.times(&self.state.loss, &self.device)?);
        }
        if self.state.position.finished || self.saved.elapsed() >= SAVE_EVERY {
            self.save(history)?;
        }
        progress.epoch(&record);
        Ok(true)
    }

    fn report(&self, since_start: &Sums) -> StepReport {
        let (position, plan) = (&self.state.position, &self.plan);
        let pace = since_start.rows as f64 / since_start.seconds.max(1e-9);
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
