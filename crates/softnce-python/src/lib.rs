//! The module `softnce._native`. It runs the kernels directly on the memory of tensors and arrays, and meanwhile
//! releases the global interpreter lock (GIL).
//!
//! It is private to the package. The Python files of the package guarantee that the memory is valid (see [`view`]) and
//! define the public functions.

mod error;
mod head;
mod loss;
mod noise;
mod queue;
mod segment;
mod threads;
mod view;
mod warning;

use pyo3::prelude::*;

#[pymodule]
#[pyo3(name = "_native")]
fn native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    warning::collect();
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("INSTRUCTIONS", softnce::Instructions::widest().to_string())?;
    module.add_function(wrap_pyfunction!(loss::loss, module)?)?;
    module.add_function(wrap_pyfunction!(head::head, module)?)?;
    module.add_function(wrap_pyfunction!(queue::queue_push, module)?)?;
    module.add_function(wrap_pyfunction!(segment::recognise, module)?)?;
    module.add_function(wrap_pyfunction!(threads::set_num_threads, module)?)?;
    module.add_function(wrap_pyfunction!(threads::num_threads, module)?)?;
    module.add_function(wrap_pyfunction!(threads::follow_threads, module)?)?;
    module.add_function(wrap_pyfunction!(threads::after_fork, module)?)?;
    Ok(())
}
