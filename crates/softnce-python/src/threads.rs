//! The threads that the kernels use.

use std::cell::RefCell;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

/// Whether the pool of the whole process stands.
static STARTED: AtomicBool = AtomicBool::new(false);
static START: Once = Once::new();
/// Whether this process is a fork of another: the pool's threads do not live on in it.
static FORKED: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// A forked process's own pool, and whose it is: that process may fork too. No lock, which a fork could leave held.
    static OWN: RefCell<Option<(u32, ThreadPool)>> = const { RefCell::new(None) };
}

/// Starts the threads, once; later calls change nothing.
#[pyfunction]
pub(crate) fn start_threads(threads: usize) {
    if FORKED.load(Ordering::SeqCst) {
        return;
    }
    START.call_once(|| {
        // Another library of the process can have started the pool: then its number holds.
        let _ = ThreadPoolBuilder::new().num_threads(threads.max(1)).build_global();
        STARTED.store(true, Ordering::SeqCst);
    });
}

/// Runs a body where its threads are to be had.
pub(crate) fn run<R: Send>(body: impl FnOnce() -> R + Send) -> R {
    if !FORKED.load(Ordering::SeqCst) {
        return body();
    }
    OWN.with_borrow_mut(|own| {
        let process = std::process::id();
        if own.as_ref().is_none_or(|(of, _)| *of != process) {
            // To drop a pool is to wait for its threads, which a fork has not got.
            std::mem::forget(own.take());
            let pool = ThreadPoolBuilder::new().num_threads(1).build().ok();
            *own = pool.map(|pool| (process, pool));
        }
        match own {
            Some((_, pool)) => pool.install(body),
            None => body(),
        }
    })
}

/// Sets how many threads the kernels use; before the first loss of the process.
#[pyfunction]
pub(crate) fn set_num_threads(threads: usize) -> PyResult<()> {
    if threads == 0 {
        return Err(PyValueError::new_err("threads is 0, expected at least 1"));
    }
    start_threads(threads);
    let found = num_threads();
    if found == threads {
        return Ok(());
    }
    let message = format!("the kernels have started with {found} threads: set {threads} before the first loss");
    Err(PyRuntimeError::new_err(message))
}

/// How many threads the kernels use; 0 where they have not started.
#[pyfunction]
pub(crate) fn num_threads() -> usize {
    match (FORKED.load(Ordering::SeqCst), STARTED.load(Ordering::SeqCst)) {
        (true, _) => 1,
        (false, true) => rayon::current_num_threads(),
        (false, false) => 0,
    }
}

/// Tells a child process that its parent's threads are not there.
#[pyfunction]
pub(crate) fn after_fork() {
    FORKED.store(true, Ordering::SeqCst);
}
