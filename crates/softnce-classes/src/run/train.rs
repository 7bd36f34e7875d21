//! The training.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use chacha20::ChaCha8Rng;
use rand::SeedableRng;
use serde::{Deserialize, Serialize};
use softnce::{Batch, ClassCandidates, Targets};
use softnce_data::candidates::{QueueState, TargetQueue};
use softnce_rows::RowStore;
use softnce_store::{Folder, Manifest, StoreError, differences, read_json};

use super::batches::Batches;
use super::build::{ClassSource, ClassesData, Parts};
use super::checkpoint::Checkpoint;
use super::evaluate::evaluate;
use super::export::export;
use crate::ClassesError;
use crate::data::Minibatch;
use crate::recipe::{CandidateSection, ClassesRecipe};
use crate::report;
use crate::results::{Evaluation, RunResults};

const MANIFEST: &str = "run.json";
const REMEDY: &str = "name another folder with --out";

/// What determines a run.
#[derive(Debug, Serialize, Deserialize)]
struct ClassesManifest {
    version: String,
    recipe: serde_json::Value,
    /// Rows of training and test part, and classes.
    sizes: [usize; 3],
}

impl Manifest for ClassesManifest {
    fn read(folder: &Path) -> Result<Option<Self>, StoreError> {
        read_json(&folder.join(MANIFEST), REMEDY)
    }

    fn write(&self, folder: &Folder) -> Result<(), StoreError> {
        folder.write_sealed_json(MANIFEST, self)
    }

    fn version(&self) -> Option<&str> {
        Some(&self.version)
    }

    fn differences(&self, found: &Self) -> Vec<String> {
        let mut words = differences(&found.recipe, &self.recipe);
        if words.is_empty() && found.sizes != self.sizes {
            words.push(format!("rows and classes of the data: {:?} there, {:?} here", found.sizes, self.sizes));
        }
        words
    }
}

/// Whether a folder holds a run over many classes.
pub fn is_run(folder: &Path) -> bool {
    let manifest: Option<serde_json::Value> = read_json(&folder.join(MANIFEST), REMEDY).ok().flatten();
    manifest.is_some_and(|manifest| manifest["recipe"]["data"]["kind"].is_string())
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepReport {
    /// Steps that are done.
    pub step: u64,
    /// Steps in all.
    pub steps: u64,
    /// Loss of the last step, in nats.
    pub loss: f64,
    /// Classes that took part in the last step.
    pub classes: usize,
    /// Rows of training a second, over the steps of this call.
    pub rows_per_second: f64,
    /// Seconds that the remaining steps take at this speed, without evaluations.
    pub seconds_left: f64,
}

/// What follows a run.
pub trait Progress {
    /// Once, for each warning: what is valid in the recipe and probably a mistake.
    fn warned(&self, _warning: &str) {}
    /// After a step.
    fn step(&self, _report: &StepReport) {}
    /// After an evaluation.
    fn evaluated(&self, _evaluation: &Evaluation) {}
}

impl Progress for () {}

/// How a run ended.
#[derive(Debug)]
pub enum Outcome {
    /// All steps are done; the results are written.
    Finished(Box<RunResults>),
    /// Stopped on request after so many steps; the same command continues.
    Interrupted {
        /// Steps that are done.
        steps: u64,
    },
}

/// A run: a recipe, its data and its folder.
pub struct ClassesRun {
    recipe: ClassesRecipe,
    data: ClassesData,
    parts: Parts,
    store: RowStore,
    folder: Folder,
    queue: Option<TargetQueue>,
    state: Checkpoint,
}

impl ClassesRun {
    /// Starts a run in a folder, or continues the one that is there.
    ///
    /// # Errors
    /// A recipe out of its ranges; a folder with another run; a disk that is too small; a damaged checkpoint.
    pub fn open(recipe: ClassesRecipe, data: ClassesData, folder: &Path) -> Result<Self, ClassesError> {
        data.check(&recipe)?;
        let classes = data.train.classes();
        let manifest = ClassesManifest {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            recipe: serde_json::to_value(&recipe).unwrap_or_default(),
            sizes: [data.train.len(), data.test.len(), classes],
        };
        let folder = Folder::open(folder, "training over many classes", &manifest)?;
        let state = Checkpoint::read(folder.path())?;
        let mut parts = Parts::build(&recipe, &data, state.step)?;
        if let Some(kept) = state.temperature {
            parts.head.temperature.resume(kept, parts.head.table.rates())?;
        }
        let store = Parts::store(&folder.file("rows"), &recipe, &data, state.step)?;
        let queue = match (recipe.candidates, &state.queue) {
            (CandidateSection::Queue { .. }, Some(kept)) => Some(TargetQueue::from_state(kept.clone())?),
            (CandidateSection::Queue { size }, None) => Some(TargetQueue::new(size, classes)?),
            _ => None,
        };
        let mut run = ClassesRun { recipe, data, parts, store, folder, queue, state };
        // What an estimator has seen is a function of the steps: it is shown them again.
        for step in 0..run.state.step {
            if !matches!(run.parts.noise, crate::model::NoiseSource::Estimated(_)) {
                break;
            }
            let targets = run.batches().read(step)?.targets()?;
            run.parts.noise.observe(&targets)?;
        }
        Ok(run)
    }

    /// Opens the run of a folder as it was left.
    ///
    /// # Errors
    /// A folder without such a run; data that cannot be read or are not those of the run.
    pub fn reopen(folder: &Path, data: &Path) -> Result<Self, ClassesError> {
        let missing =
            || StoreError::Missing { path: folder.to_owned(), missing: MANIFEST, remedy: "name the folder of a run" };
        let manifest: ClassesManifest = read_json(&folder.join(MANIFEST), REMEDY)?.ok_or_else(missing)?;
        let refused = |error: serde_json::Error| ClassesError::Recipe {
            name: folder.join(MANIFEST).display().to_string(),
            reason: error.to_string(),
        };
        let recipe: ClassesRecipe = serde_json::from_value(manifest.recipe).map_err(refused)?;
        let data = ClassesData::open(&recipe.data, data)?;
        ClassesRun::open(recipe, data, folder)
    }

    /// The rows of each step.
    fn batches(&self) -> Batches {
        Batches::new(Arc::clone(&self.data.train), self.recipe.seed, self.recipe.training.batch_size)
    }

    /// Makes the steps that are missing, evaluates, and writes the results.
    ///
    /// # Errors
    /// Rows that cannot be read; a loss that is not finite; a disk that is full. The last checkpoint stays.
    pub fn train(&mut self, stop: &AtomicBool, progress: &dyn Progress) -> Result<Outcome, ClassesError> {
        let (steps, every) = (self.recipe.schedule.steps, self.recipe.evaluation.every);
        let mut saved = Instant::now();
        let (mut rows, mut made, mut seconds) = (0, 0_u64, 0.0);
        let mut batches = self.batches().ahead(self.state.step..steps)?;
        while self.state.step < steps {
            if stop.load(Ordering::Relaxed) {
                self.save()?;
                return Ok(Outcome::Interrupted { steps: self.state.step });
            }
            let start = Instant::now();
            let Some(batch) = batches.next().transpose()? else { break };
            let (loss, classes) = self.step(&batch)?;
            let spent = start.elapsed().as_secs_f64();
            if made == 0 {
                self.state.warnings.iter().flatten().for_each(|warning| progress.warned(warning));
            }
            seconds += spent;
            rows += batch.len();
            self.state.seconds += spent;
            self.state.losses = (self.state.losses.0 + loss, self.state.losses.1 + 1);
            let rows_per_second = rows as f64 / seconds.max(1e-9);
            made += 1;
            let seconds_left = seconds / made as f64 * (steps - self.state.step) as f64;
            progress.step(&StepReport { step: self.state.step, steps, loss, classes, rows_per_second, seconds_left });
            if self.state.step.is_multiple_of(every) || self.state.step == steps {
                let evaluation = self.evaluate()?;
                progress.evaluated(&evaluation);
                self.state.history.push(evaluation);
                self.state.losses = (0.0, 0);
            }
            let limit = (self.recipe.training.changed_mib as u64) << 20;
            let is_due = saved.elapsed().as_secs_f64() >= self.recipe.training.checkpoint_seconds;
            if is_due || self.store.changed().memory > limit {
                self.save()?;
                saved = Instant::now();
            }
        }
        self.save()?;
        let results = RunResults {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            recipe: self.recipe.clone(),
            train_rows: self.data.train.len(),
            test_rows: self.data.test.len(),
            inputs: self.data.train.inputs(),
            features: self.parts.head.table.spec().width,
            classes: self.data.train.classes(),
            occurring: self.data.occurring(),
            warnings: self.state.warnings.clone().unwrap_or_default(),
            history: self.state.history.clone(),
        };
        results.write(&self.folder)?;
        report::write(self.folder.path(), &results)?;
        Ok(Outcome::Finished(Box::new(results)))
    }

    /// A step: its loss, and the number of classes that took part.
    fn step(&mut self, batch: &Minibatch) -> Result<(f64, usize), ClassesError> {
        let step = self.state.step;
        let targets = batch.targets()?;
        let rate = self.recipe.schedule.rate(self.recipe.optimizer.learning_rate, step);
        self.parts.noise.observe(&targets)?;
        let failed = |source: ClassesError| ClassesError::Step { step: step + 1, rate, source: Box::new(source) };
        let encoded = self.parts.encoder.begin_step(&self.store, &batch.inputs, rate)?;
        let candidates = self.candidates(&targets, step)?;
        let warnings = || candidates.warnings().iter().map(ToString::to_string).collect();
        self.state.warnings.get_or_insert_with(warnings);
        let Parts { head, noise, encoder, .. } = &mut self.parts;
        let made = head.step(&mut self.store, encoded.features.view(), &candidates, noise, rate).map_err(failed)?;
        encoder.end_step(&mut self.store, encoded, made.features_gradient).map_err(failed)?;
        if let Some(queue) = &mut self.queue {
            queue.push(&targets)?;
        }
        self.state.step += 1;
        Ok((made.loss, made.classes))
    }

    /// The targets of a step with the candidates of the recipe.
    fn candidates<'t>(&self, targets: &'t Targets<'_>, step: u64) -> Result<Batch<'t>, ClassesError> {
        let own = Batch::from(targets);
        match &self.parts.class_source {
            Some(ClassSource::Draws { sampler, count }) => {
                let mut generator = ChaCha8Rng::seed_from_u64(self.recipe.seed);
                generator.set_stream(step);
                let drawn = ClassCandidates::draw(sampler, targets, *count, &mut generator)?;
                return Ok(own.with_class_candidates(&drawn)?);
            }
            Some(ClassSource::All(all)) => return Ok(own.with_class_candidates(all)?),
            None => {}
        }
        match self.queue.as_ref().map(TargetQueue::as_targets).transpose()?.flatten() {
            Some(further) => Ok(own.with_further(further.into_owned())?),
            None => Ok(own),
        }
    }

    /// Evaluates on the test rows.
    ///
    /// # Errors
    /// Rows that cannot be read.
    pub fn evaluate(&self) -> Result<Evaluation, ClassesError> {
        let (sum, count) = self.state.losses;
        let train_loss = (count > 0).then(|| sum / count as f64);
        let about = (self.state.step, self.state.seconds, train_loss);
        evaluate(&self.recipe.evaluation, &self.data, &self.parts, &self.store, about)
    }

    /// Writes the trained rows to a safetensors file: see [`TrainedRun::export`](super::TrainedRun::export).
    ///
    /// # Errors
    /// Tables that cannot be read; a file that cannot be written.
    pub fn export(&self, path: &Path) -> Result<(), ClassesError> {
        export(&self.recipe, &self.parts, &self.store, self.state.step, path)
    }

    fn save(&mut self) -> Result<(), ClassesError> {
        self.state.temperature = self.parts.head.temperature.state();
        let (recipe, classes) = (&self.recipe, self.data.train.classes());
        self.state.queue = match (recipe.candidates, &self.queue) {
            (CandidateSection::Queue { size }, Some(queue)) => {
                Some(QueueState { size, classes, rows: queue.rows().clone() })
            }
            _ => None,
        };
        self.state.write(&self.folder, &mut self.store)
    }
}
