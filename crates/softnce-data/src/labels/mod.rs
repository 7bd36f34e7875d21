//! Soft labels from files: votes, probabilities, logits, weights.

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

use rule::{LabelRows, LabelRule};

use crate::ContentError;

/// A file of soft labels: one row per picture, in the order of the pictures, and one column per class.
///
/// An `.npy` file holds an array of two dimensions, a `.safetensors` file a tensor of two dimensions, of integers or
/// floating-point numbers of any width.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum LabelSource {
    /// Counts of votes, as in CIFAR-10H: `.npy`, or a raw file with one unsigned byte per count, row by row.
    Votes {
        /// The file.
        path: PathBuf,
    },
    /// Probabilities, for example of a teacher: `.npy` or `.safetensors`.
    Probabilities {
        /// The file.
        path: PathBuf,
        /// Name of the tensor, if a `.safetensors` file has several of two dimensions.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tensor: Option<String>,
    },
    /// Logits of a teacher: `.npy` or `.safetensors`; the labels are `softmax(logits / temperature)`.
    Logits {
        /// The file.
        path: PathBuf,
        /// Name of the tensor, if a `.safetensors` file has several of two dimensions.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tensor: Option<String>,
        /// Above 0.
        #[serde(default = "one")]
        temperature: f64,
    },
    /// Weights of any scale in a CSV table. A first line without a number is a header.
    Csv {
        /// The file.
        path: PathBuf,
    },
}

impl LabelSource {
    /// The file.
    pub fn path(&self) -> &Path {
        match self {
            LabelSource::Votes { path } | LabelSource::Csv { path } => path,
            LabelSource::Probabilities { path, .. } | LabelSource::Logits { path, .. } => path,
        }
    }

    /// The same with another file.
    #[must_use]
    pub fn at(mut self, file: PathBuf) -> LabelSource {
        let path = match &mut self {
            LabelSource::Votes { path } | LabelSource::Csv { path } => path,
            LabelSource::Probabilities { path, .. } | LabelSource::Logits { path, .. } => path,
        };
        *path = file;
        self
    }
}

fn one() -> f64 {
    1.0
}

/// The first bytes of an `.npy` file.
const NPY: &[u8] = b"\x93NUMPY";

/// Reads soft labels.
///
/// # Shapes
/// The file and the result: `[rows, classes]`. Each row of the result is on the simplex.
///
/// # Errors
/// A file that cannot be read, is truncated, or has another shape or type; a negative or non-finite value; votes or
/// weights that sum to 0; probabilities whose sum differs from 1 by more than 0.005 (the rounding of half precision;
/// smaller differences are scaled away); a temperature that is not above 0. With the path, and the row or the byte.
pub fn read(source: &LabelSource, rows: usize, classes: usize) -> Result<Array2<f32>, LabelError> {
    match source {
        LabelSource::Votes { path } => {
            let sink = LabelRows::new(path, LabelRule::Weights, rows, classes);
            if begins_with(path, NPY)? || has_ending(path, "npy") { npy::read(sink) } else { raw(sink) }
        }
        LabelSource::Probabilities { path, tensor } => {
            array(LabelRows::new(path, LabelRule::Probabilities, rows, classes), tensor.as_deref())
        }
        LabelSource::Logits { path, tensor, temperature } => {
            if !(*temperature > 0.0 && temperature.is_finite()) {
                return Err(LabelError::Temperature { value: *temperature });
            }
            array(
                LabelRows::new(path, LabelRule::Logits { temperature: *temperature }, rows, classes),
                tensor.as_deref(),
            )
        }
        LabelSource::Csv { path } => table::read(LabelRows::new(path, LabelRule::Weights, rows, classes)),
    }
}

/// Reads an `.npy` or `.safetensors` file.
fn array(sink: LabelRows<'_>, tensor: Option<&str>) -> Result<Array2<f32>, LabelError> {
    let path = sink.path;
    let is_npy = has_ending(path, "npy");
    if has_ending(path, "safetensors") {
        tensors::read(sink, tensor)
    } else if let (true, Some(name)) = (is_npy, tensor) {
        let expected = "no name: an .npy file has one array without a name";
        Err(ContentError::whole(path, format!("tensor '{name}'"), expected))
    } else if is_npy {
        npy::read(sink)
    } else {
        Err(ContentError::whole(path, "unknown ending", ".npy or .safetensors"))
    }
}

/// Reads a file with one unsigned byte per value.
fn raw(mut sink: LabelRows<'_>) -> Result<Array2<f32>, LabelError> {
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
