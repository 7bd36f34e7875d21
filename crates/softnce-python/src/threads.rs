//! The threads of the kernels.

use std::cell::RefCell;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

/// Whether the thread pool of the process has been started.
static STARTED: AtomicBool = AtomicBool::new(false);
static START: Once = Once::new();
/// Whether this process was forked from another: the threads of the pool do not exist in it.
static FORKED: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// The pool of a forked process and the id of that process, which may fork again. It is thread-local, because a
    /// fork could leave a lock held.
    static OWN: RefCell<Option<(u32, ThreadPool)>> = const { RefCell::new(None) };
}

/// Starts the threads once; later calls have no effect.
#[pyfunction]
pub(crate) fn start_threads(threads: usize) {
    if FORKED.load(Ordering::SeqCst) {
        return;
    }
    START.call_once(|| {
        // Another library of the process may have started the pool; then its number of threads applies.
        let _ = ThreadPoolBuilder::new().num_threads(threads.max(1)).build_global();
        STARTED.store(true, Ordering::SeqCst);
    });
}

/// Runs a body on a pool whose threads exist in this process.
pub(crate) fn run<R: Send>(body: impl FnOnce() -> R + Send) -> R {
    if !FORKED.load(Ordering::SeqCst) {
        return body();
    }
    OWN.with_borrow_mut(|own| {
        let process = std::process::id();
        if own.as_ref().is_none_or(|(of, _)| *of != process) {
            // Dropping a pool waits for its threads, which do not exist after a fork.
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

/// Sets the number of threads of the kernels. Must be called before the first loss of the process.
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
    let message = format!("the kernels already run with {found} threads; set {threads} before the first loss");
    Err(PyRuntimeError::new_err(message))
}

/// The number of threads of the kernels; 0 before they start.
#[pyfunction]
pub(crate) fn num_threads() -> usize {
    match (FORKED.load(Ordering::SeqCst), STARTED.load(Ordering::SeqCst)) {
        (true, _) => 1,
        (false, true) => rayon::current_num_threads(),
        (false, false) => 0,
    }
}

/// Records that this process was forked and does not have its parent's threads.
#[pyfunction]
pub(crate) fn after_fork() {
    FORKED.store(true, Ordering::SeqCst);
}
