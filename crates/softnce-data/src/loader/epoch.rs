//! The batches of one epoch.

use std::sync::Arc;

use super::buffers::Buffers;
use super::task::Task;
use super::workers::LoaderThreads;
use super::{LoadedBatch, LoaderError};

/// The batches of one epoch, in order. After an error there are no more. Dropping it ends its threads.
#[derive(Debug)]
pub struct Epoch {
    task: Arc<Task>,
    buffers: Arc<Buffers>,
    epoch: u64,
    order: Arc<[usize]>,
    next: usize,
    steps: usize,
    /// `None`: the calling thread prepares the batches.
    workers: Option<LoaderThreads>,
}

impl Epoch {
    pub(super) fn new(task: &Arc<Task>, buffers: &Arc<Buffers>, epoch: u64, first_step: usize) -> Self {
        let order: Arc<[usize]> = task.order(epoch).into();
        let steps = task.steps();
        let threads = task.config.workers > 0 && first_step < steps;
        let workers = threads.then(|| LoaderThreads::start(task, buffers, epoch, &order, first_step)).flatten();
        let (task, buffers) = (Arc::clone(task), Arc::clone(buffers));
        Epoch { task, buffers, epoch, order, next: first_step, steps, workers }
    }

    /// Number of the next batch, from 0.
    pub fn next_step(&self) -> usize {
        self.next
    }

    fn make(&self, step: usize) -> Result<LoadedBatch, LoaderError> {
        let indices = &self.order[self.task.places(step)];
        let mut pixels = self.buffers.take(indices.len() * self.task.row_length());
        self.task.fill(self.epoch, indices, &mut pixels)?;
        self.task.finish(self.epoch, step, indices, pixels)
    }
}

impl Iterator for Epoch {
    type Item = Result<LoadedBatch, LoaderError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.steps {
            self.workers = None;
            return None;
        }
        let step = self.next;
        let batch = match &self.workers {
            Some(workers) => workers.batch(step),
            None => self.make(step),
        };
        self.next = if batch.is_ok() { step + 1 } else { self.steps };
        Some(batch)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        // An error may end the epoch early.
        (usize::from(self.next < self.steps), Some(self.steps.saturating_sub(self.next)))
    }
}
