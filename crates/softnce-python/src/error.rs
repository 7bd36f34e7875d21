//! The core crate's errors as Python exceptions.

use pyo3::PyErr;
use pyo3::exceptions::{PyIndexError, PyOverflowError, PyValueError};
use softnce::Error;

/// The names of arguments where Python has others.
const NAMES: [(&str, &str); 5] = [
    ("noise distribution", "noise_probs"),
    ("noise probabilities", "noise_probs"),
    ("row weights", "row_weights"),
    ("further candidates", "candidates"),
    ("class weights", "weight"),
];

/// An exception of the kind that PyTorch and NumPy raise for the same: IndexError for a class or candidate that does
/// not exist, ValueError for shapes and values, OverflowError for sizes out of range.
pub(crate) fn exception(error: Error) -> PyErr {
    of_kind(&error, renamed(error.to_string(), &NAMES))
}

/// The same for an error of one segment of the candidates, which came as this argument.
pub(crate) fn segment_exception(argument: &str, error: Error) -> PyErr {
    let parts = ["classes", "weights", "uniform"].map(|part| (part, format!("{argument}.{part}")));
    let names = [("labels", argument), ("targets", argument)].into_iter();
    let names: Vec<_> = names.chain(parts.iter().map(|(core, python)| (*core, python.as_str()))).collect();
    of_kind(&error, renamed(error.to_string(), &names))
}

/// The kind that PyTorch and NumPy raise for the same: IndexError for a class or candidate that does not exist, ValueError
/// for shapes and values, OverflowError for sizes out of range.
fn of_kind(error: &Error, message: String) -> PyErr {
    match error {
        Error::Label { .. } | Error::Positive { .. } => PyIndexError::new_err(message),
        Error::IndexOverflow { .. } => PyOverflowError::new_err(message),
        _ => PyValueError::new_err(message),
    }
}

fn renamed(message: String, names: &[(&str, &str)]) -> String {
    let found =
        names.iter().find_map(|(core, python)| message.strip_prefix(core).map(|rest| format!("{python}{rest}")));
    found.unwrap_or(message)
}
