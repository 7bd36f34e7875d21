//! Threads that prepare the batches of an epoch, a few pictures at a time.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};

use super::buffers::Buffers;
use super::task::{Task, message};
use super::{LoadedBatch, LoaderError};

/// Most values that a thread prepares at a time.
const VALUES_AT_A_TIME: usize = 65_536;

/// The threads of an epoch. When this is dropped they finish the current picture and end.
#[derive(Debug)]
pub(super) struct LoaderThreads {
    shared: Arc<SharedWork>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Debug)]
struct SharedWork {
    task: Arc<Task>,
    buffers: Arc<Buffers>,
    epoch: u64,
    order: Arc<[usize]>,
    /// Pictures that a thread prepares at a time.
    grain: usize,
    /// Set while `state` is locked, so that no waiting thread misses it.
    stopped: AtomicBool,
    state: Mutex<WorkState>,
    /// Signals that there may be work, or that work has ended.
    work: Condvar,
    /// Signals that a batch may be ready.
    ready: Condvar,
}

#[derive(Debug, Default)]
struct WorkState {
    /// The next step that no thread has started.
    next: usize,
    /// Steps below this may be started.
    limit: usize,
    /// Steps in progress, in order.
    open: VecDeque<Open>,
    ready: BTreeMap<usize, Result<LoadedBatch, LoaderError>>,
    /// The message of a panic that ended a thread.
    broken: Option<String>,
}

/// A batch in progress.
#[derive(Debug)]
struct Open {
    step: usize,
    /// Of all rows. A thread prepares rows in memory of its own and copies them here while they are in its cache.
    pixels: Arc<Mutex<Vec<f32>>>,
    rows: usize,
    /// Number of rows that threads have taken.
    claimed: usize,
    /// Number of unfinished rows.
    missing: usize,
    /// The first row that failed, with its error.
    error: Option<(usize, LoaderError)>,
}

/// Some rows of a batch, for one thread to prepare.
struct Chunk {
    step: usize,
    rows: Range<usize>,
    pixels: Arc<Mutex<Vec<f32>>>,
}

impl Open {
    /// The next rows, at most `most`; `None` if threads have taken all of them.
    fn claim(&mut self, most: usize) -> Option<Chunk> {
        let rows = self.claimed..self.rows.min(self.claimed + most);
        self.claimed = rows.end;
        (!rows.is_empty()).then(|| Chunk { step: self.step, rows, pixels: Arc::clone(&self.pixels) })
    }
}

impl LoaderThreads {
    /// Starts the threads; `None` if the system starts none of them.
    pub(super) fn start(
        task: &Arc<Task>,
        buffers: &Arc<Buffers>,
        epoch: u64,
        order: &Arc<[usize]>,
        first: usize,
    ) -> Option<LoaderThreads> {
        let (workers, size) = (task.config.workers, task.config.batch_size);
        let fitting = (VALUES_AT_A_TIME / task.row_length().max(1)).max(1);
        let shared = Arc::new(SharedWork {
            task: Arc::clone(task),
            buffers: Arc::clone(buffers),
            epoch,
            order: Arc::clone(order),
            grain: (size / (4 * workers.max(1))).clamp(1, fitting),
            stopped: AtomicBool::new(false),
            state: Mutex::new(WorkState {
                next: first,
                limit: first.saturating_add(task.config.prefetch),
                ..WorkState::default()
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
                    log::warn!("loader: thread {number} of {workers} does not start ({error}); continuing with fewer");
                    break;
                }
            }
        }
        (!threads.is_empty()).then_some(LoaderThreads { shared, threads })
    }

    /// Waits for the batch of a step.
    pub(super) fn batch(&self, step: usize) -> Result<LoadedBatch, LoaderError> {
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

impl Drop for LoaderThreads {
    fn drop(&mut self) {
        let state = self.shared.lock();
        self.shared.stopped.store(true, Ordering::Relaxed);
        drop(state);
        self.shared.work.notify_all();
        for thread in self.threads.drain(..) {
            // A thread catches its own panics, so there is no error here.
            let _ = thread.join();
        }
        // The next epoch reuses the memory of prepared batches.
        let ready = std::mem::take(&mut self.shared.lock().ready);
        ready.into_values().flatten().for_each(|batch| self.shared.buffers.put(batch.pixels));
    }
}

impl SharedWork {
    fn lock(&self) -> MutexGuard<'_, WorkState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        let work = || {
            let mut scratch = Vec::new();
            while let Some(chunk) = self.claim() {
                self.make(chunk, &mut scratch);
            }
        };
        if let Err(panic) = catch_unwind(AssertUnwindSafe(work)) {
            self.lock().broken = Some(message(&*panic));
            self.ready.notify_all();
        }
    }

    /// Waits for pictures to prepare; `None` when there will be no more.
    fn claim(&self) -> Option<Chunk> {
        let mut state = self.lock();
        loop {
            if self.stopped.load(Ordering::Relaxed) {
                return None;
            }
            let chunk = state.open.iter_mut().find_map(|open| open.claim(self.grain));
            if chunk.is_some() {
                return chunk;
            }
            if state.next >= self.task.steps() {
                return None;
            }
            if state.next < state.limit {
                let (step, rows) = (state.next, self.task.places(state.next).len());
                let pixels = Arc::new(Mutex::new(self.buffers.take(rows * self.task.row_length())));
                state.open.push_back(Open { step, pixels, rows, claimed: 0, missing: rows, error: None });
                state.next += 1;
                // Other threads may be waiting for it.
                self.work.notify_all();
                continue;
            }
            state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Prepares some pictures, and the batch if they were its last ones. `scratch` is memory of the thread.
    fn make(&self, chunk: Chunk, scratch: &mut Vec<f32>) {
        let Chunk { step, rows, pixels } = chunk;
        let (epoch, length) = (self.epoch, self.task.row_length());
        let places = self.task.places(step);
        let indices = &self.order[places.clone()];
        let mut error = None;
        scratch.resize(rows.len() * length, 0.0);
        for (row, out) in rows.clone().zip(scratch.chunks_exact_mut(length)) {
            if self.stopped.load(Ordering::Relaxed) {
                return;
            }
            if let Err(found) = self.task.fill(epoch, &indices[row..=row], out) {
                error.get_or_insert((row, found));
            }
        }
        let mut all = pixels.lock().unwrap_or_else(PoisonError::into_inner);
        all[rows.start * length..rows.end * length].copy_from_slice(scratch);
        drop(all);
        // Before these rows count as done: the thread that finishes the batch must own its pixels alone.
        drop(pixels);
        let Some(open) = self.report(step, rows.len(), error) else { return };
        let pixels = Arc::into_inner(open.pixels);
        let pixels = pixels.map(|pixels| pixels.into_inner().unwrap_or_else(PoisonError::into_inner));
        let batch = match (open.error, pixels) {
            (Some((_, error)), _) => Err(error),
            (None, Some(pixels)) => self.task.finish(epoch, step, indices, pixels),
            (None, None) => {
                let place = format!("batch {step} of epoch {epoch}");
                Err(LoaderError::Panic { place, message: "a picture is still in progress".to_owned() })
            }
        };
        self.lock().ready.insert(step, batch);
        self.ready.notify_all();
    }

    /// Counts rows as done; returns the batch to the thread that did its last rows.
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
