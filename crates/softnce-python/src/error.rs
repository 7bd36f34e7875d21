//! The core crate's errors as Python exceptions.

use pyo3::PyErr;
use pyo3::exceptions::{PyIndexError, PyOverflowError, PyValueError};
use softnce::{Error, ErrorKind};

/// The names of arguments where Python has others.
const NAMES: [(&str, &str); 5] = [
    ("noise distribution", "noise_probs"),
    ("noise probabilities", "noise_probs"),
    ("row weights", "row_weights"),
    ("further candidates", "candidates"),
    // Of a linear head: the weights of targets get their name in `segment_exception`.
    ("weights", "weight"),
];

/// An exception of the kind that PyTorch and NumPy raise for the same: IndexError for a class or candidate that does
/// not exist, OverflowError for sizes out of range, ValueError for everything else.
pub(crate) fn exception(error: Error) -> PyErr {
    let name = NAMES.iter().find(|(core, _)| *core == error.argument());
    let error = match name {
        Some(&(_, python)) => error.of_argument(python),
        None => error,
    };
    // In the words of the package's own checks.
    let (argument, found, expected) = (error.argument(), error.found(), error.expected());
    let index = if error.index().is_empty() { String::new() } else { format!("{:?}", error.index()) };
    let verb = match error.kind() {
        ErrorKind::Shape | ErrorKind::Empty | ErrorKind::Sum | ErrorKind::Targets => "has",
        _ => "is",
    };
    let message = format!("{argument}{index} {verb} {found}, expected {expected}");
    match error.kind() {
        ErrorKind::Index => PyIndexError::new_err(message),
        ErrorKind::Size => PyOverflowError::new_err(message),
        _ => PyValueError::new_err(message),
    }
}

/// The same for an error of one segment of the candidates, which came as this argument.
pub(crate) fn segment_exception(argument: &str, error: Error) -> PyErr {
    let name = match error.argument() {
        "labels" | "targets" => argument.to_owned(),
        "class indices" => format!("{argument}.classes"),
        part @ ("weights" | "uniform") => format!("{argument}.{part}"),
        other => other.to_owned(),
    };
    exception(error.of_argument(name))
}
