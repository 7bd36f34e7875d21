//! Reading the rows of the next steps while a step is made.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::{Builder, JoinHandle};

use crate::ClassesError;
use crate::data::{DataError, Minibatch, Order, Source};

/// Batches that wait, beside the one that is being read.
const AHEAD: usize = 2;

/// Which rows each step has.
#[derive(Clone)]
pub(super) struct Batches {
    source: Arc<dyn Source>,
    seed: u64,
    size: usize,
}

impl Batches {
    /// `size` rows a step, in the order of the seed; the last step of an epoch may have fewer.
    pub(super) fn new(source: Arc<dyn Source>, seed: u64, size: usize) -> Self {
        Batches { source, seed, size }
    }

    /// Reads the rows of a step, from 0.
    pub(super) fn read(&self, step: u64) -> Result<Minibatch, DataError> {
        let rows = self.source.len();
        let of_an_epoch = rows.div_ceil(self.size) as u64;
        let order = Order::shuffled(rows, self.seed, step / of_an_epoch);
        Minibatch::read(&self.source, &order.batch((step % of_an_epoch) as usize, self.size))
    }

    /// Reads the rows of these steps, one step after another, on a thread of its own.
    ///
    /// # Errors
    /// The system cannot start a thread.
    pub(super) fn ahead(&self, steps: std::ops::Range<u64>) -> Result<Ahead, ClassesError> {
        let (sender, receiver) = sync_channel(AHEAD);
        let batches = self.clone();
        let read = move || {
            for step in steps {
                let batch = batches.read(step);
                let failed = batch.is_err();
                // Nobody receives: the training has ended.
                if sender.send(batch).is_err() || failed {
                    return;
                }
            }
        };
        let reader = Builder::new().name("batches".to_owned()).spawn(read).map_err(ClassesError::Thread)?;
        Ok(Ahead { receiver: Some(receiver), reader: Some(reader) })
    }
}

/// The batches that a thread reads. Dropping it ends the thread, after the batch that it is reading.
pub(super) struct Ahead {
    receiver: Option<Receiver<Result<Minibatch, DataError>>>,
    reader: Option<JoinHandle<()>>,
}

impl Ahead {
    /// The next batch; `None` after the last one and after an error.
    ///
    /// # Panics
    /// If the source has panicked.
    pub(super) fn next(&mut self) -> Option<Result<Minibatch, DataError>> {
        let next = self.receiver.as_ref()?.recv().ok();
        if next.is_none()
            && let Some(Err(panic)) = self.reader.take().map(JoinHandle::join)
        {
            std::panic::resume_unwind(panic);
        }
        next
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        // The reader may wait for a place in the channel, which now takes nothing more.
        self.receiver = None;
        if let Some(reader) = self.reader.take() {
            // A panic of the reader has no caller here.
            drop(reader.join());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::data::{Example, Inputs, MemoryRows};

    /// Rows that count how often they were read, one of which cannot be read.
    struct Counted {
        rows: MemoryRows,
        reads: AtomicUsize,
        bad: Option<usize>,
    }

    impl Source for Counted {
        fn len(&self) -> usize {
            self.rows.len()
        }

        fn inputs(&self) -> Inputs {
            self.rows.inputs()
        }

        fn classes(&self) -> usize {
            self.rows.classes()
        }

        fn read(&self, index: usize, example: &mut Example) -> Result<(), DataError> {
            self.reads.fetch_add(1, Ordering::SeqCst);
            match self.bad == Some(index) {
                true => Err(DataError::row(index, "a hole", "none")),
                false => self.rows.read(index, example),
            }
        }
    }

    fn batches(bad: Option<usize>) -> (Arc<Counted>, Batches) {
        let mut rows = MemoryRows::new(10, 10);
        (0..10).for_each(|row| rows.push(&[row], &[1.0], &[row]).unwrap());
        let source = Arc::new(Counted { rows, reads: AtomicUsize::new(0), bad });
        (Arc::clone(&source), Batches::new(source, 5, 4))
    }

    #[test]
    fn batches_come_in_the_order_of_the_steps() {
        let (_, batches) = batches(None);
        let mut ahead = batches.ahead(2..40).unwrap();
        let mut epoch = Vec::new();
        for step in 2..40 {
            let batch = ahead.next().unwrap().unwrap();
            assert_eq!(batch.rows, batches.read(step).unwrap().rows);
            assert_eq!(batch.len(), if step % 3 == 2 { 2 } else { 4 });
            if (3..6).contains(&step) {
                epoch.extend(batch.rows);
            }
        }
        assert!(ahead.next().is_none());
        epoch.sort_unstable();
        assert_eq!(epoch, (0..10).collect::<Vec<_>>());
    }

    #[test]
    fn an_error_comes_at_its_step_and_ends_the_reading() {
        let (_, good) = batches(None);
        let bad = good.read(1).unwrap().rows[0];
        let (_, batches) = batches(Some(bad));
        let mut ahead = batches.ahead(0..3).unwrap();
        assert_eq!(ahead.next().unwrap().unwrap().rows, good.read(0).unwrap().rows);
        let message = ahead.next().unwrap().unwrap_err().to_string();
        assert_eq!(message, format!("row {bad} has a hole, expected none"));
        assert!(ahead.next().is_none());
    }

    #[test]
    fn dropping_ends_the_reader_long_before_the_last_step() {
        let (source, batches) = batches(None);
        let mut ahead = batches.ahead(0..u64::MAX).unwrap();
        ahead.next().unwrap().unwrap();
        drop(ahead);
        let reads = source.reads.load(Ordering::SeqCst);
        // One taken, those that wait, and one that found no place.
        assert!(reads <= (AHEAD + 2) * 4, "{reads}");
        // The thread, which owned the batches, has ended.
        drop(batches);
        assert_eq!(Arc::strong_count(&source), 1);
    }
}
