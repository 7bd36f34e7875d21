//! The work on one picture, and on a batch whose pictures are done.

use std::any::Any;
use std::collections::BTreeMap;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use ndarray::{Array2, ArrayView2, Axis};
use softnce::Targets;

use super::streams::{RandomStream, generator, order};
use super::{LoadedBatch, LoaderConfig, LoaderError, Preparation};
use crate::PictureSource;
use crate::mixing::Mixing;

/// The work of a loader, shared by its threads.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) source: Arc<dyn PictureSource>,
    pub(super) preparation: Preparation,
    /// Whether pictures are augmented at random.
    pub(super) augment: bool,
    pub(super) mixing: Option<Mixing>,
    pub(super) soft_labels: Option<Arc<Array2<f32>>>,
    pub(super) config: LoaderConfig,
    /// The errors of pictures that could not be prepared, by index. `None`: the first such picture ends the epoch.
    pub(super) failures: Option<Mutex<BTreeMap<usize, LoaderError>>>,
}

impl Task {
    /// Batches in an epoch.
    pub(super) fn steps(&self) -> usize {
        let (pictures, size) = (self.source.labels().len(), self.config.batch_size.max(1));
        if self.config.drop_last { pictures / size } else { pictures.div_ceil(size) }
    }

    /// The order of the pictures in an epoch.
    pub(super) fn order(&self, epoch: u64) -> Vec<usize> {
        order(self.source.labels().len(), self.config.shuffle, self.config.seed, epoch)
    }

    /// The positions of a step's pictures in the order.
    pub(super) fn places(&self, step: usize) -> Range<usize> {
        let size = self.config.batch_size;
        step * size..((step + 1) * size).min(self.source.labels().len())
    }

    /// Values per picture.
    pub(super) fn row_length(&self) -> usize {
        self.preparation.shape().iter().product()
    }

    /// Writes the pixels of some pictures to `out`, one after another. All are tried; the first error is returned.
    pub(super) fn fill(&self, epoch: u64, indices: &[usize], out: &mut [f32]) -> Result<(), LoaderError> {
        let pictures = indices.iter().zip(out.chunks_exact_mut(self.row_length()));
        pictures.map(|(&index, out)| self.fill_one(epoch, index, out)).fold(Ok(()), Result::and)
    }

    fn fill_one(&self, epoch: u64, index: usize, out: &mut [f32]) -> Result<(), LoaderError> {
        let filled = catch_unwind(AssertUnwindSafe(|| {
            let generator = self.augment.then(|| generator(self.config.seed, epoch, RandomStream::Picture, index));
            self.preparation.write(self.source.as_ref(), index, generator, &mut *out)
        }));
        let filled = filled.unwrap_or_else(|panic| {
            let described = catch_unwind(AssertUnwindSafe(|| self.source.describe(index)));
            let place = described.unwrap_or_else(|_| format!("picture {index}"));
            Err(LoaderError::Panic { place, message: message(&*panic) })
        });
        match (&self.failures, filled) {
            (Some(failures), Err(error)) => {
                out.fill(0.0);
                failures.lock().unwrap_or_else(PoisonError::into_inner).insert(index, error);
                Ok(())
            }
            (_, filled) => filled,
        }
    }

    /// Takes the error of a picture, if it could not be prepared.
    pub(super) fn take_failure(&self, index: usize) -> Option<LoaderError> {
        self.failures.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner).remove(&index)
    }

    /// Mixes the pictures of a step and adds their targets.
    pub(super) fn finish(
        &self,
        epoch: u64,
        step: usize,
        indices: &[usize],
        pixels: Vec<f32>,
    ) -> Result<LoadedBatch, LoaderError> {
        catch_unwind(AssertUnwindSafe(|| self.finish_unguarded(epoch, step, indices, pixels))).unwrap_or_else(|panic| {
            Err(LoaderError::Panic { place: format!("batch {step} of epoch {epoch}"), message: message(&*panic) })
        })
    }

    fn finish_unguarded(
        &self,
        epoch: u64,
        step: usize,
        indices: &[usize],
        mut pixels: Vec<f32>,
    ) -> Result<LoadedBatch, LoaderError> {
        let [channels, height, width] = self.preparation.shape();
        let shape = [indices.len(), channels, height, width];
        let classes = self.source.class_names().len();
        let all = self.source.labels();
        let labels: Vec<usize> = indices.iter().map(|&index| all[index]).collect();
        let rows = self.soft_labels.as_ref().map(|rows| rows.select(Axis(0), indices));
        let mut generator = generator(self.config.seed, epoch, RandomStream::Mixing, step);
        let rows_view = rows.as_ref().map(ArrayView2::from);
        let targets = match (&self.mixing, rows_view) {
            (Some(mixing), Some(rows)) => mixing.mix_dense(&mut pixels, shape, rows, &mut generator)?.targets,
            (Some(mixing), None) => mixing.mix(&mut pixels, shape, &labels, classes, &mut generator)?.targets,
            (None, Some(rows)) => Targets::dense(rows)?.into_owned(),
            (None, None) => Targets::hard(&labels, classes)?,
        };
        Ok(LoadedBatch { pixels, shape, indices: indices.to_vec(), labels, targets })
    }
}

/// The message of a panic.
pub(super) fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}
