//! Soft labels that lie in a file beside the class labels: votes, probabilities, logits, weights.

mod element;
mod error;
mod npy;
mod rule;
mod table;
mod tensors;

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use ndarray::Array2;
use serde::{Deserialize, Serialize};

pub use error::LabelError;

use rule::{Rule, Sink};

/// Where soft labels come from: one row a picture, in the order of the pictures, one column a class.
///
/// `.npy` files hold an array of two dimensions, `.safetensors` files a tensor of two; of whole or floating-point
/// numbers of any width.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum LabelSource {
    /// Counts, such as those of CIFAR-10H: `.npy`, or a raw file of one unsigned byte a count, row by row.
    Votes {
        /// The file.
        path: PathBuf,
    },
    /// Probabilities of a teacher: `.npy` or `.safetensors`.
    Probabilities {
        /// The file.
        path: PathBuf,
        /// The tensor's name, where a `.safetensors` file has more than one of two dimensions.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tensor: Option<String>,
    },
    /// Logits of a teacher: `.npy` or `.safetensors`; the labels are `softmax(logits / temperature)`.
    Logits {
        /// The file.
        path: PathBuf,
        /// The tensor's name, where a `.safetensors` file has more than one of two dimensions.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tensor: Option<String>,
        /// Above 0.
        #[serde(default = "one")]
        temperature: f64,
    },
    /// Weights in a table with commas, of any scale; a first line without any number is taken for a header.
    Csv {
        /// The file.
        path: PathBuf,
    },
}

impl LabelSource {
    /// The same with its path within a folder, unless it is absolute.
    #[must_use]
    pub fn within(mut self, folder: &Path) -> LabelSource {
        let path = match &mut self {
            LabelSource::Votes { path } | LabelSource::Csv { path } => path,
            LabelSource::Probabilities { path, .. } | LabelSource::Logits { path, .. } => path,
        };
        *path = folder.join(&*path);
        self
    }
}

fn one() -> f64 {
    1.0
}

/// How an `.npy` file begins.
const NPY: &[u8] = b"\x93NUMPY";

/// Reads soft labels.
///
/// # Shapes
/// `rows` x `classes`, as the file must have it; every row of the result is on the simplex.
///
/// # Errors
/// A file that cannot be read, is cut off or of another shape or kind; a negative or non-finite value; votes or weights
/// that sum to 0; probabilities that do not sum to 1 within 0.005 (half precision leaves that much), which are scaled
/// otherwise; a temperature that is not above 0. With the path, and the row or the byte.
pub fn read(source: &LabelSource, rows: usize, classes: usize) -> Result<Array2<f32>, LabelError> {
    match source {
        LabelSource::Votes { path } => {
            let sink = Sink::new(path, Rule::Weights, rows, classes);
            if begins_with(path, NPY)? || has_ending(path, "npy") { npy::read(sink) } else { raw(sink) }
        }
        LabelSource::Probabilities { path, tensor } => {
            array(Sink::new(path, Rule::Probabilities, rows, classes), tensor.as_deref())
        }
        LabelSource::Logits { path, tensor, temperature } => {
            if !(*temperature > 0.0 && temperature.is_finite()) {
                return Err(LabelError::Temperature { value: *temperature });
            }
            array(Sink::new(path, Rule::Logits { temperature: *temperature }, rows, classes), tensor.as_deref())
        }
        LabelSource::Csv { path } => table::read(Sink::new(path, Rule::Weights, rows, classes)),
    }
}

/// Reads an array of either format.
fn array(sink: Sink<'_>, tensor: Option<&str>) -> Result<Array2<f32>, LabelError> {
    let path = sink.path;
    let is_npy = has_ending(path, "npy");
    if has_ending(path, "safetensors") {
        tensors::read(sink, tensor)
    } else if let (true, Some(name)) = (is_npy, tensor) {
        let expected = "no name: an .npy file has one array without a name".to_owned();
        Err(LabelError::Tensor { path: path.to_owned(), found: format!("tensor '{name}'"), expected })
    } else if is_npy {
        npy::read(sink)
    } else {
        Err(LabelError::Format { path: path.to_owned(), expected: ".npy or .safetensors" })
    }
}

/// Reads one unsigned byte a value.
fn raw(mut sink: Sink<'_>) -> Result<Array2<f32>, LabelError> {
    let bytes = std::fs::read(sink.path).map_err(LabelError::io(sink.path))?;
    if sink.rows.checked_mul(sink.classes) != Some(bytes.len()) {
        return Err(sink.shape(format!("{} bytes", bytes.len())));
    }
    for row in bytes.chunks(sink.classes.max(1)) {
        let row: Vec<f64> = row.iter().copied().map(f64::from).collect();
        sink.push(&row)?;
    }
    sink.finish()
}

fn has_ending(path: &Path, ending: &str) -> bool {
    path.extension().is_some_and(|found| found.eq_ignore_ascii_case(ending))
}

fn begins_with(path: &Path, magic: &[u8]) -> Result<bool, LabelError> {
    let file = BufReader::new(File::open(path).map_err(LabelError::io(path))?);
    let mut bytes = Vec::new();
    file.take(magic.len() as u64).read_to_end(&mut bytes).map_err(LabelError::io(path))?;
    Ok(bytes == magic)
}

#[cfg(test)]
mod tests;
