//! The number of threads of the kernels.

use std::sync::Once;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use rayon::ThreadPoolBuilder;
use softnce_kernels::parallel::with_at_most;

/// The number that the user has set; 0: none.
static SET: AtomicUsize = AtomicUsize::new(0);
/// The number that PyTorch or the environment asks for; 0 before the first loss.
static FOLLOWED: AtomicUsize = AtomicUsize::new(0);
/// Whether this process was forked from another: the threads of the pool do not exist in it.
static FORKED: AtomicBool = AtomicBool::new(false);

/// Sets the number of threads to use unless the user has set one.
#[pyfunction]
pub(crate) fn follow_threads(threads: usize) {
    FOLLOWED.store(threads.max(1), Ordering::Relaxed);
}

/// Runs a body on the number of threads that applies now.
pub(crate) fn run<R>(body: impl FnOnce() -> R) -> R {
    let threads = num_threads();
    if threads > 1 {
        start_pool(threads);
    }
    with_at_most(threads, body)
}

/// Starts the pool once, when several threads are wanted for the first time. It has a thread for every core, because
/// its size is fixed and the number of threads that work may grow later; those not wanted sleep.
fn start_pool(threads: usize) {
    static START: Once = Once::new();
    START.call_once(|| {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        // It fails only if there is a pool already, which then is used.
        let _ = ThreadPoolBuilder::new().num_threads(threads.max(cores)).build_global();
    });
}

/// Sets the number of threads; `None` follows PyTorch or the environment again.
#[pyfunction]
#[pyo3(signature = (threads))]
pub(crate) fn set_num_threads(threads: Option<usize>) -> PyResult<()> {
    if threads == Some(0) {
        return Err(PyValueError::new_err("threads is 0, expected at least 1, or None"));
    }
    SET.store(threads.unwrap_or(0), Ordering::Relaxed);
    Ok(())
}

/// The number of threads that the kernels use; 0 if it is not known before the first loss.
#[pyfunction]
pub(crate) fn num_threads() -> usize {
    match (FORKED.load(Ordering::Relaxed), SET.load(Ordering::Relaxed)) {
        (true, _) => 1,
        (false, 0) => FOLLOWED.load(Ordering::Relaxed),
        (false, set) => set,
    }
}

/// Records that this process was forked and does not have its parent's threads.
#[pyfunction]
pub(crate) fn after_fork() {
    FORKED.store(true, Ordering::Relaxed);
}
