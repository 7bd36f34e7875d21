//! Threads that make the batches of an epoch, a few pictures at a time.

use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};

use super::buffers::Buffers;
use super::rows::{Chunk, Rows};
use super::task::{Task, message};
use super::{Batch, LoaderError};

/// Values a thread makes at a time, where pictures are small.
const VALUES_AT_A_TIME: usize = 65_536;

/// The threads of an epoch. They end when this is dropped, after the picture at hand.
#[derive(Debug)]
pub(super) struct Workers {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    task: Arc<Task>,
    buffers: Arc<Buffers>,
    epoch: u64,
    order: Arc<[usize]>,
    /// Pictures a thread makes at a time.
    grain: usize,
    /// Set under the lock of the state, so that nobody who waits misses it.
    stopped: AtomicBool,
    state: Mutex<State>,
    /// There may be work, or an end of it.
    work: Condvar,
    /// There may be a batch.
    ready: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// The next step that no thread has begun.
    next: usize,
    /// Steps below this may be begun.
    limit: usize,
    /// Steps that are being made, in order.
    open: VecDeque<Open>,
    ready: BTreeMap<usize, Result<Batch, LoaderError>>,
    /// What ended a thread that should not have ended.
    broken: Option<String>,
}

/// A batch that is being made.
#[derive(Debug)]
struct Open {
    step: usize,
    rows: Arc<Rows>,
    /// Rows that are not finished.
    missing: usize,
    /// The first row that failed, and how.
    error: Option<(usize, LoaderError)>,
}

impl Workers {
    /// Starts the threads; `None` where the system starts none at all.
    pub(super) fn start(
        task: &Arc<Task>,
        buffers: &Arc<Buffers>,
        epoch: u64,
        order: &Arc<[usize]>,
        first: usize,
    ) -> Option<Workers> {
        let (workers, size) = (task.config.workers, task.config.batch_size);
        let fitting = (VALUES_AT_A_TIME / task.row_length().max(1)).max(1);
        let shared = Arc::new(Shared {
            task: Arc::clone(task),
            buffers: Arc::clone(buffers),
            epoch,
            order: Arc::clone(order),
            grain: (size / (4 * workers.max(1))).clamp(1, fitting),
            stopped: AtomicBool::new(false),
            state: Mutex::new(State {
                next: first,
                limit: first.saturating_add(task.config.prefetch),
                ..State::default()
            }),
            work: Condvar::new(),
            ready: Condvar::new(),
        });
        let mut threads = Vec::with_capacity(workers);
        for number in 0..workers {
            let thread = Arc::clone(&shared);
            match Builder::new().name(format!("loader-{number}")).spawn(move || thread.run()) {
                Ok(handle) => threads.push(handle),
                Err(error) => {
                    log::warn!("loader: thread {number} of {workers} does not start ({error}); going on with fewer");
                    break;
                }
            }
        }
        (!threads.is_empty()).then_some(Workers { shared, threads })
    }

    /// Waits for the batch of a step.
    pub(super) fn batch(&self, step: usize) -> Result<Batch, LoaderError> {
        let mut state = self.shared.lock();
        state.limit = step.saturating_add(1).saturating_add(self.shared.task.config.prefetch);
        self.shared.work.notify_all();
        loop {
            if let Some(batch) = state.ready.remove(&step) {
                return batch;
            }
            if let Some(message) = state.broken.take() {
                let place = format!("batch {step} of epoch {}", self.shared.epoch);
                return Err(LoaderError::Panic { place, message });
            }
            state = self.shared.ready.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        let state = self.shared.lock();
        self.shared.stopped.store(true, Ordering::Relaxed);
        drop(state);
        self.shared.work.notify_all();
        for thread in self.threads.drain(..) {
            // A thread catches its panics, so there is nothing to hear of here.
            let _ = thread.join();
        }
        // What was made ahead serves the next epoch.
        let ready = std::mem::take(&mut self.shared.lock().ready);
        ready.into_values().flatten().for_each(|batch| self.shared.buffers.put(batch.pixels));
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        let work = || {
            while let Some((step, chunk)) = self.claim() {
                self.make(step, chunk);
            }
        };
        if let Err(panic) = catch_unwind(AssertUnwindSafe(work)) {
            self.lock().broken = Some(message(&*panic));
            self.ready.notify_all();
        }
    }

    /// Waits for pictures to make; `None` when there will be no more.
    fn claim(&self) -> Option<(usize, Chunk)> {
        let mut state = self.lock();
        loop {
            if self.stopped.load(Ordering::Relaxed) {
                return None;
            }
            let open = state.open.iter().find_map(|open| open.rows.claim(self.grain).map(|chunk| (open.step, chunk)));
            if open.is_some() {
                return open;
            }
            if state.next >= self.task.steps() {
                return None;
            }
            if state.next < state.limit {
                let (step, count) = (state.next, self.task.places(state.next).len());
                let length = self.task.row_length();
                let rows = Arc::new(Rows::new(self.buffers.take(count * length), length));
                state.open.push_back(Open { step, rows, missing: count, error: None });
                state.next += 1;
                // The others may have been waiting for it.
                self.work.notify_all();
                continue;
            }
            state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Makes some pictures, and the batch where they were its last.
    fn make(&self, step: usize, mut chunk: Chunk) {
        let (epoch, range, length) = (self.epoch, chunk.range(), self.task.row_length());
        let places = self.task.places(step);
        let indices = &self.order[places.clone()];
        let mut error = None;
        for (row, pixels) in range.clone().zip(chunk.pixels().chunks_exact_mut(length)) {
            if self.stopped.load(Ordering::Relaxed) {
                return;
            }
            if let Err(found) = self.task.fill(epoch, &indices[row..=row], pixels) {
                error.get_or_insert((row, found));
            }
        }
        // Before it counts as done: whoever finishes the batch must own it alone.
        drop(chunk);
        let Some(open) = self.report(step, range.len(), error) else { return };
        let batch = match (open.error, open.rows.into_pixels()) {
            (Some((_, error)), _) => Err(error),
            (None, Some(pixels)) => self.task.finish(epoch, step, indices, pixels),
            (None, None) => {
                let place = format!("batch {step} of epoch {epoch}");
                Err(LoaderError::Panic { place, message: "a picture is still being made".to_owned() })
            }
        };
        self.lock().ready.insert(step, batch);
        self.ready.notify_all();
    }

    /// Counts rows as done. Gives the batch to whoever did its last.
    fn report(&self, step: usize, rows: usize, error: Option<(usize, LoaderError)>) -> Option<Open> {
        let mut state = self.lock();
        let place = state.open.iter().position(|open| open.step == step)?;
        let open = state.open.get_mut(place)?;
        open.missing -= rows;
        if let Some((row, error)) = error
            && open.error.as_ref().is_none_or(|(first, _)| row < *first)
        {
            open.error = Some((row, error));
        }
        if open.missing > 0 {
            return None;
        }
        state.open.remove(place)
    }
}
