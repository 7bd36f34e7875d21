//! The threads that the kernels use.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

/// Whether the pool of the whole process stands, or may not be used any more.
static STARTED: AtomicBool = AtomicBool::new(false);
/// A pool of this process's own, where the other was made before a fork: threads do not live on in the child.
static OWN: Mutex<Option<ThreadPool>> = Mutex::new(None);
static FORKED: AtomicBool = AtomicBool::new(false);

/// Starts the threads, once; later calls change nothing.
pub(crate) fn start(threads: usize) -> PyResult<()> {
    if STARTED.swap(true, Ordering::SeqCst) {
        return Ok(());
    }
    // Another library of the process can have started the pool: then its number holds.
    let _ = ThreadPoolBuilder::new().num_threads(threads).build_global();
    Ok(())
}

/// Runs a body where its threads are to be had.
pub(crate) fn run<R: Send>(body: impl FnOnce() -> R + Send) -> R {
    if !FORKED.load(Ordering::SeqCst) {
        return body();
    }
    let mut own = OWN.lock().unwrap_or_else(PoisonError::into_inner);
    if own.is_none() {
        *own = ThreadPoolBuilder::new().num_threads(1).build().ok();
    }
    match own.as_ref() {
        Some(pool) => pool.install(body),
        None => body(),
    }
}

/// Sets how many threads the kernels use; before the first loss of the process.
#[pyfunction]
pub(crate) fn set_num_threads(threads: usize) -> PyResult<()> {
    if threads == 0 {
        return Err(PyValueError::new_err("threads is 0, expected at least 1"));
    }
    if STARTED.load(Ordering::SeqCst) && rayon::current_num_threads() != threads {
        let found = rayon::current_num_threads();
        return Err(PyRuntimeError::new_err(format!(
            "the kernels have started with {found} threads: set {threads} before the first loss"
        )));
    }
    start(threads)
}

/// How many threads the kernels use; 0 where they have not started.
#[pyfunction]
pub(crate) fn num_threads() -> usize {
    if STARTED.load(Ordering::SeqCst) { rayon::current_num_threads() } else { 0 }
}

/// Starts the kernels with so many threads where they have not been started.
#[pyfunction]
pub(crate) fn start_threads(threads: usize) -> PyResult<()> {
    start(threads.max(1))
}

/// Tells a child process that its parent's threads are not there.
#[pyfunction]
pub(crate) fn after_fork() {
    if STARTED.load(Ordering::SeqCst) {
        FORKED.store(true, Ordering::SeqCst);
    }
}
