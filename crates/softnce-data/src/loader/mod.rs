//! Batches of pixels with their targets. Threads prepare them ahead; their number does not change the batches.
//!
//! - [`Loader`]: the set-up; [`Epoch`]: its batches one after the other; [`LoadedBatch`]: one of them.
//!
//! The random numbers of a picture depend on the seed, the epoch and its index; those of a batch's mixing on the seed,
//! the epoch and the step. They depend on no thread and no earlier batch.

mod batch;
mod buffers;
mod config;
mod epoch;
mod error;
mod preparation;
mod streams;
mod task;
mod workers;

#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex};

use ndarray::Array2;
use softnce::Targets;

pub use batch::LoadedBatch;
pub use config::LoaderConfig;
pub use epoch::Epoch;
pub use error::LoaderError;
pub use preparation::Preparation;

use crate::PictureSource;
use crate::mixing::{Mixing, MixingConfig};
use buffers::Buffers;
use task::Task;

/// Turns a source of pictures into batches, epoch by epoch.
///
/// ```no_run
/// # use std::sync::Arc;
/// # use softnce_data::{PictureSource, augmentation::Augmentation, loader::{Loader, LoaderConfig, LoaderError}};
/// # fn train(source: Arc<dyn PictureSource>, augmentation: Augmentation) -> Result<(), LoaderError> {
/// let loader = Loader::train(source, augmentation, None, None, LoaderConfig::default())?;
/// for epoch in 0..10 {
///     for batch in loader.epoch(epoch, 0) {
///         let batch = batch?;
///         // Train on batch.pixels and batch.targets, then reuse the memory.
///         loader.recycle(batch.pixels);
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Loader {
    task: Arc<Task>,
    buffers: Arc<Buffers>,
}

/// Batches prepared ahead in evaluation.
const EVALUATION_PREFETCH: usize = 2;

/// The settings for all pictures in their order.
fn in_order(batch_size: usize, workers: usize) -> LoaderConfig {
    LoaderConfig { batch_size, workers, prefetch: EVALUATION_PREFETCH, drop_last: false, shuffle: false, seed: 0 }
}

impl Loader {
    /// A loader for training: augmented, mixed pictures.
    ///
    /// # Shapes
    /// `soft_labels`: `[pictures, classes]`, a label distribution for each picture instead of its class.
    ///
    /// # Errors
    /// A setting out of its range; no pictures, or too few for one batch; a label out of range; label distributions of
    /// another shape; rows that are not distributions.
    pub fn train(
        source: Arc<dyn PictureSource>,
        preparation: impl Into<Preparation>,
        mixing: Option<MixingConfig>,
        soft_labels: Option<Arc<Array2<f32>>>,
        config: LoaderConfig,
    ) -> Result<Loader, LoaderError> {
        let mixing = mixing.map(Mixing::new).transpose()?;
        Loader::new(Task {
            source,
            preparation: preparation.into(),
            augment: true,
            mixing,
            soft_labels,
            config,
            failures: None,
        })
    }

    /// A loader for evaluation: all pictures in the source's order, neither augmented nor mixed.
    ///
    /// # Shapes
    /// `soft_labels`: as of [`Loader::train`].
    ///
    /// # Errors
    /// As [`Loader::train`].
    pub fn evaluation(
        source: Arc<dyn PictureSource>,
        preparation: impl Into<Preparation>,
        soft_labels: Option<Arc<Array2<f32>>>,
        batch_size: usize,
        workers: usize,
    ) -> Result<Loader, LoaderError> {
        let config = in_order(batch_size, workers);
        Loader::new(Task {
            source,
            preparation: preparation.into(),
            augment: false,
            mixing: None,
            soft_labels,
            config,
            failures: None,
        })
    }

    /// A loader for prediction: as [`Loader::evaluation`], but a picture that cannot be prepared does not end the epoch.
    /// Its pixels are 0, and [`Loader::take_failure`] returns its error after its batch was returned.
    ///
    /// # Errors
    /// As [`Loader::train`].
    pub fn prediction(
        source: Arc<dyn PictureSource>,
        preparation: impl Into<Preparation>,
        batch_size: usize,
        workers: usize,
    ) -> Result<Loader, LoaderError> {
        let (config, failures) = (in_order(batch_size, workers), Some(Mutex::default()));
        Loader::new(Task {
            source,
            preparation: preparation.into(),
            augment: false,
            mixing: None,
            soft_labels: None,
            config,
            failures,
        })
    }

    /// Takes the error of a picture of a batch of [`Loader::prediction`]; `None` if the picture could be prepared.
    pub fn take_failure(&self, index: usize) -> Option<LoaderError> {
        self.task.take_failure(index)
    }

    fn new(task: Task) -> Result<Loader, LoaderError> {
        task.config.check()?;
        let (labels, classes) = (task.source.labels(), task.source.class_names().len());
        if labels.is_empty() || task.steps() == 0 {
            return Err(LoaderError::TooFew { pictures: labels.len(), batch_size: task.config.batch_size });
        }
        Targets::hard(labels, classes)?;
        if let Some(rows) = &task.soft_labels {
            if rows.dim() != (labels.len(), classes) {
                return Err(LoaderError::SoftLabels { found: rows.dim(), expected: (labels.len(), classes) });
            }
            Targets::dense_as_is(rows.view())?;
        }
        let buffers = Arc::new(Buffers::new(task.config.prefetch.saturating_add(2)));
        Ok(Loader { task: Arc::new(task), buffers })
    }

    /// Batches in an epoch.
    pub fn steps_per_epoch(&self) -> usize {
        self.task.steps()
    }

    /// Pictures in the source.
    pub fn pictures(&self) -> usize {
        self.task.source.labels().len()
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.task.source.class_names().len()
    }

    /// The mixing, for targets that are drawn without pictures.
    pub fn mixing(&self) -> Option<&Mixing> {
        self.task.mixing.as_ref()
    }

    /// The batches of an epoch from `first_step` on; they are the same whatever batch comes first. Threads start at
    /// once and end when the epoch is dropped.
    pub fn epoch(&self, epoch: u64, first_step: usize) -> Epoch {
        Epoch::new(&self.task, &self.buffers, epoch, first_step)
    }

    /// Takes back the pixels of a used batch, so that a later batch needs no new memory.
    pub fn recycle(&self, pixels: Vec<f32>) {
        self.buffers.put(pixels);
    }
}
