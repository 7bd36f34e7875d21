//! A run, from its first step or its last checkpoint to its report.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use burn::tensor::Device;
use softnce_data::features::Standardisation;
use softnce_data::loader::Loader;
use softnce_data::mixing::Mixing;
use softnce_report::results::{RunReport, ValidationPoint};
use softnce_store::{Folder, Manifest};

use super::adjustment::adjustment;
use super::checks::notes;
use super::data::RunData;
use super::error::RunError;
use super::evaluate::test_network;
use super::files::LAST;
use super::history::HistoryFiles;
use super::manifest::{RunInfo, RunManifest, continued};
use super::plan::Plan;
use super::progress::Progress;
use super::state::{NewBest, TrainState};
use super::times::{Clock, Times};
use super::wall::WallTimes;
use super::{checkpoint, finish, setup, wall};
use crate::device::DeviceName;
use crate::recipe::Recipe;

/// The metadata with the means of the input, `[channels]`, as JSON.
pub(super) const MEAN: &str = "mean";
/// The metadata with its standard deviations, `[channels]`, as JSON.
pub(super) const DEVIATION: &str = "std";
/// The metadata with the largest size of a standardised feature.
pub(super) const LIMIT: &str = "limit";

/// The metadata of a file of weights: the entries that every such file has, and one more. The name of the recipe is
/// under `recipe_name`, all of it as TOML under `recipe`; older versions wrote the name under `recipe`. Rows of features
/// also have the means and deviations that bring them to one scale.
///
/// # Errors
/// A recipe that TOML cannot hold.
pub(super) fn weights_metadata(
    recipe: &Recipe,
    temperature: f64,
    standardisation: Option<&Standardisation>,
    (key, value): (&str, String),
) -> Result<BTreeMap<String, String>, RunError> {
    let pairs = [
        ("softnce_version", env!("CARGO_PKG_VERSION").to_owned()),
        ("recipe_name", recipe.name.clone()),
        ("recipe", recipe.to_toml()?),
        ("temperature", temperature.to_string()),
        (key, value),
    ];
    let mut metadata: BTreeMap<String, String> =
        pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    if let Some(Standardisation { mean, deviation, limit }) = standardisation {
        for (key, values) in [(MEAN, mean), (DEVIATION, deviation)] {
            metadata.insert(key.to_owned(), serde_json::Value::from(values.as_slice()).to_string());
        }
        metadata.insert(LIMIT.to_owned(), limit.to_string());
    }
    Ok(metadata)
}

/// How a run ended.
#[derive(Debug)]
pub enum Outcome {
    /// All epochs are there, or it stopped early; the report is written.
    Finished(Box<RunReport>),
    /// Stopped on request; the same command continues.
    Interrupted {
        /// Epochs that are done.
        epochs: usize,
    },
}

/// A recipe with its data, its network and its folder.
pub struct Run {
    pub(super) recipe: Recipe,
    pub(super) info: RunInfo,
    pub(super) folder: Folder,
    pub(super) data: RunData,
    pub(super) device: Device,
    pub(super) loader: Loader,
    pub(super) mixing: Mixing,
    pub(super) plan: Plan,
    pub(super) adjustment: Option<Vec<f32>>,
    pub(super) state: TrainState,
    /// The network after the best epoch, where no checkpoint names it yet.
    pub(super) new_best: Option<NewBest>,
    pub(super) notes: Vec<String>,
    pub(super) clock: Clock,
    pub(super) saved: Instant,
    pub(super) saved_times: Option<WallTimes>,
}

impl Run {
    /// Reads the data, sets the network up and opens the folder; continues from its checkpoint if there is one.
    ///
    /// Refuses what can be refused before it changes the folder. A run that continues may have more epochs, and other
    /// settings that do not affect training; the learning rate follows the new number of epochs.
    ///
    /// # Errors A recipe out of range; data that cannot be read; a folder that cannot be used; a run of another recipe,
    /// or on other data.
    pub fn open(recipe: Recipe, data_folder: &Path, device: DeviceName, out: &Path) -> Result<Run, RunError> {
        recipe.check()?;
        // A loss on hard labels needs no label distributions.
        let data = RunData::open(&recipe.clone().resolved().data, data_folder)?;
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
        let mut notes = [data.untold_notes().to_vec(), notes(&recipe, &data)?].concat();
        let recipe = recipe.resolved();
        let opened = device.open()?;
        let loader = setup::train_loader(&recipe, &data.train)?;
        let mixing = Mixing::new(recipe.mixing.clone().unwrap_or_default())?;
        let plan = Plan::new(&recipe, data.train.len(), loader.steps_per_epoch());
        let resumed = out.join(LAST).exists();
        let (state, initial, more) = setup::state(&recipe, &data, data_folder, &opened, resumed)?;
        notes.extend(more);
        let beyond = recipe.candidates.beyond_batch();
        if recipe.loss.kind.is_contrastive()
            && let Some(warning) = recipe.mixing.as_ref().and_then(|mixing| mixing.warns_of_degeneracy(beyond))
        {
            notes.push(format!("warning: {warning}"));
        }
        let mut info = RunInfo::new(&recipe, &data, device)?;
        info.weights = initial;
        if resumed {
            notes.extend(continued(&recipe, out)?);
            info.weights = RunManifest::read(out)?.and_then(|found| found.info?.weights);
        }
        let manifest = RunManifest { recipe: recipe.clone(), info: Some(info.clone()) };
        let folder = Folder::open(out, "run", &manifest)?;
        let (clock, saved) = (Clock::default(), Instant::now());
        let adjustment = adjustment(&recipe.loss, &data.class_counts);
        let mut run = Run {
            recipe,
            info,
            folder,
            data,
            device: opened,
            loader,
            mixing,
            plan,
            adjustment,
            state,
            new_best: None,
            notes,
            clock,
            saved,
            saved_times: None,
        };
        if run.folder.file(LAST).exists() {
            run.state = checkpoint::load(run.state, &run.folder.file(LAST))?;
            run.saved_times = wall::read(&run.folder, &mut run.state)?;
            run.state.position.finished &= run.is_over();
            run.settle_best()?;
        }
        Ok(run)
    }

    /// The recipe as it is trained.
    pub fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// Version, device, sizes and data of the run.
    pub fn info(&self) -> &RunInfo {
        &self.info
    }

    /// The folder of the run, which no other process can use until the run is dropped: `recipe.toml` (every default
    /// spelled out), `run.json`, the checkpoints [`LAST`] and [`BEST`](super::BEST), `history.jsonl` and an event file
    /// for TensorBoard, and at the end `history.csv`, `temperature.json`, `metrics.json`, `metrics.md` and
    /// `report.html`.
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// The current state.
    pub fn state(&self) -> &TrainState {
        &self.state
    }

    /// The pictures and labels.
    pub fn data(&self) -> &RunData {
        &self.data
    }

    /// Trains to the end, evaluates the network on the test pictures and writes the report.
    ///
    /// Checkpoints are written at the end of an epoch if the last one is ten seconds old; within an epoch after five
    /// minutes and where the recipe asks for it; when the run is stopped; and at the end. None is written before the
    /// first step.
    ///
    /// # Errors
    /// A training that diverges; pictures or files that cannot be read; a checkpoint that cannot be written. The last
    /// checkpoint is kept.
    pub fn train(&mut self, stop: &AtomicBool, progress: &dyn Progress) -> Result<Outcome, RunError> {
        if !self.train_only(stop, progress)? {
            return Ok(Outcome::Interrupted { epochs: self.state.position.epoch });
        }
        let (network, temperature) = self.chosen()?;
        let position = &self.state.position;
        let epoch =
            position.best.as_ref().filter(|_| self.recipe.evaluation.best).map_or(position.epoch, |best| best.epoch);
        let tested = test_network(&network, &self.data, &self.recipe, temperature, &self.device, stop);
        let Some(tested) = tested.map_err(|error| self.located(self.data.explained(error)))? else {
            return Ok(Outcome::Interrupted { epochs: self.state.position.epoch });
        };
        let report = finish::figures(&self.recipe, &self.info, &self.data, tested)?;
        Ok(Outcome::Finished(Box::new(finish::write(&self.folder, &self.state, epoch, report)?)))
    }

    /// Trains to the end without using the test pictures; `false` if it was stopped.
    ///
    /// # Errors
    /// As [`Run::train`].
    pub fn train_only(&mut self, stop: &AtomicBool, progress: &dyn Progress) -> Result<bool, RunError> {
        for note in &self.notes {
            progress.note(note);
        }
        if (self.state.position.epoch, self.state.position.batch) == (0, 0) {
            self.data.check_held_out(self.recipe.data.bad_pictures, stop)?;
        }
        progress.start(self.plan.epochs, self.state.position.epoch, self.plan.batches);
        if self.state.position.finished {
            return Ok(true);
        }
        let mut history = HistoryFiles::start(&self.folder, &self.state.history)?;
        while !self.state.position.finished {
            let whole = self.epoch(stop, progress, &mut history);
            if !whole.map_err(|error| self.data.explained(error).with_checkpoint(self.has_checkpoint()))? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The validation after the epoch that counts: the best, or the last. `None` if no epoch was validated.
    pub fn score(&self) -> Option<ValidationPoint> {
        let mut validated = self.state.history.iter().filter(|record| record.validation.is_some());
        let best = self.state.position.best.as_ref().filter(|_| self.recipe.evaluation.best);
        match best {
            Some(best) => validated.find(|record| record.epoch == best.epoch),
            None => validated.next_back(),
        }
        .and_then(|record| record.validation)
    }

    /// Whether training is over: all epochs are done, or `training.patience` validations brought no improvement.
    pub(super) fn is_over(&self) -> bool {
        let (position, patience) = (&self.state.position, self.recipe.training.patience);
        position.epoch >= self.plan.epochs
            || patience.is_some_and(|patience| position.validations_since_best >= patience)
    }

    /// Times of a step, measured since the last start of the run; those of the loss alone on one of its batches. `None`
    /// until the training has ended.
    pub fn times(&self) -> Option<Times> {
        self.state.position.times
    }

    /// Whether a step was taken since the run was opened.
    pub fn has_stepped(&self) -> bool {
        self.clock.has_stepped()
    }

    /// Adds the last step and its learning rate to an error that shows divergence.
    pub(super) fn located(&self, error: RunError) -> RunError {
        let position = &self.state.position;
        // After the last batch of an epoch the position is that of the next.
        let (epoch, step) = match position.batch {
            0 => (position.epoch, self.plan.batches),
            batch => (position.epoch + 1, batch),
        };
        let rate = self.plan.schedule.at(position.optimizer_steps.saturating_sub(1));
        error.at(epoch, step, rate).with_checkpoint(self.has_checkpoint())
    }

    /// Whether a checkpoint was written, now or at an earlier start.
    fn has_checkpoint(&self) -> bool {
        self.folder.file(LAST).exists()
    }

    /// The current temperature of the loss.
    pub(super) fn temperature(&self) -> Result<f64, RunError> {
        self.state.loss.temperature().map_err(|error| self.located(error.into()))
    }
}
