//! Soft labels from files: votes, probabilities, logits, weights.

mod agreement;
mod columns;
mod error;
mod matching;
mod npy;
mod npz;
mod place;
mod predictions;
mod rule;
mod table;
mod tensors;

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use ndarray::Array2;
use serde::{Deserialize, Serialize};

pub(crate) use agreement::largest;
pub use error::LabelError;
pub(crate) use rule::SLACK;

use agreement::LabelAgreement;
use place::Place;
use rule::{LabelRows, LabelRule};

use crate::arrays::npy::NPY;
use crate::{ContentError, PictureSource};

/// A file of soft labels: one row per picture and one column per class.
///
/// The rows are in the order of the pictures, which `softnce data info --list` prints, unless they have paths: a table
/// may have a column of paths, an `.npz` file an array of them. A path starts from the folder of the set.
///
/// An `.npy` file holds an array of two dimensions, an `.npz` or `.safetensors` file at least one, of integers or
/// floating-point numbers of any width. The columns are in the order of the classes, unless the header of a table names
/// the classes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum LabelSource {
    /// Counts of votes, as in CIFAR-10H: `.npy`, `.npz`, `.csv`, or a raw file with one unsigned byte per count, row by
    /// row.
    Votes {
        /// The file.
        path: PathBuf,
    },
    /// Probabilities, for example of a teacher: `.npy`, `.npz`, `.safetensors` or `.csv`.
    Probabilities {
        /// The file.
        path: PathBuf,
        /// Name of the array, if the file has several of two dimensions.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tensor: Option<String>,
    },
    /// Logits of a teacher, in a file as of probabilities; the labels are `softmax(logits / temperature)`.
    Logits {
        /// The file.
        path: PathBuf,
        /// Name of the array, if the file has several of two dimensions.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tensor: Option<String>,
        /// Above 0.
        #[serde(default = "one")]
        temperature: f64,
    },
    /// Weights of any scale in a CSV table: commas, decimal points, UTF-8.
    ///
    /// The first line is a header if it names the classes (then in any order), counts the columns from 0 or from 1, or
    /// holds no number. One column may hold paths: the first one, if its cells are no numbers, or one called `path`,
    /// `file`, `filename` or `image`. A column that counts the rows, as pandas writes it, is left out.
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

/// Reads soft labels for these pictures of a set in the folder `root`.
///
/// Logs a warning if they contradict the classes of the pictures: if fewer than half of the rows have their largest
/// weight on the class of their picture, or hardly more than rows in a random order would.
///
/// # Shapes
/// The result: `[pictures, classes]`, in the order of the pictures and of their classes. Each row is on the simplex.
///
/// # Errors
/// A file that cannot be read, is truncated, or has another shape or type; a negative or non-finite value; votes or
/// weights that sum to 0; probabilities whose sum differs from 1 by more than 0.005 (the rounding of half precision;
/// smaller differences are scaled away); a path that names no picture, or one that an earlier row named; a picture
/// without a path; a temperature that is not above 0. With the file, and the line, the row or the byte.
pub fn read(source: &LabelSource, pictures: &dyn PictureSource, root: &Path) -> Result<Array2<f32>, LabelError> {
    let (path, tensor, rule) = match source {
        LabelSource::Votes { path } | LabelSource::Csv { path } => (path, None, LabelRule::Weights),
        LabelSource::Probabilities { path, tensor } => (path, tensor.as_deref(), LabelRule::Probabilities),
        LabelSource::Logits { path, tensor, temperature } => {
            if !(*temperature > 0.0 && temperature.is_finite()) {
                return Err(LabelError::Temperature { value: *temperature });
            }
            (path, tensor.as_deref(), LabelRule::Logits { temperature: *temperature })
        }
    };
    let rows = LabelRows::new(path, rule, pictures, root);
    let labels = match (format(path)?, source) {
        (Format::Npz, _) => npz::read(rows, tensor)?,
        (Format::Tensors, _) => tensors::read(rows, tensor)?,
        (Format::Npy | Format::Table, _) if tensor.is_some() => {
            let found = format!("tensor '{}'", tensor.unwrap_or_default());
            return Err(ContentError::whole(path, found, "no name: the file has one array without a name"));
        }
        (Format::Npy, _) => npy::read(rows, BufReader::new(open(path)?), None)?,
        (Format::Table, _) | (Format::Other, LabelSource::Csv { .. }) => table::read(rows)?,
        (Format::Other, LabelSource::Votes { .. }) => raw(rows)?,
        (Format::Other, _) => {
            return Err(ContentError::whole(path, "unknown ending", ".npy, .npz, .safetensors or .csv"));
        }
    };
    if let Some(warning) = LabelAgreement::new(labels.view(), pictures.labels()).warning(pictures) {
        log::warn!("{}: {warning}", path.display());
    }
    Ok(labels)
}

/// The format of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Npy,
    Npz,
    Tensors,
    Table,
    /// Neither the content nor the ending tells it.
    Other,
}

/// The format of a file by its first bytes, or else by its ending.
fn format(path: &Path) -> Result<Format, LabelError> {
    let mut start = Vec::new();
    open(path)?.take(NPY.len() as u64).read_to_end(&mut start).map_err(LabelError::io(path))?;
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase()).unwrap_or_default();
    Ok(match ending.as_str() {
        _ if start == NPY => Format::Npy,
        _ if start.starts_with(b"PK\x03\x04") => Format::Npz,
        "npy" => Format::Npy,
        "npz" => Format::Npz,
        "safetensors" => Format::Tensors,
        "csv" => Format::Table,
        _ => Format::Other,
    })
}

fn open(path: &Path) -> Result<File, LabelError> {
    File::open(path).map_err(LabelError::io(path))
}

/// Reads a file with one unsigned byte per value.
fn raw(mut sink: LabelRows<'_>) -> Result<Array2<f32>, LabelError> {
    let bytes = std::fs::read(sink.path).map_err(LabelError::io(sink.path))?;
    if sink.rows().checked_mul(sink.classes()) != Some(bytes.len()) {
        return Err(sink.shape(format!("{} bytes", bytes.len())));
    }
    for row in bytes.chunks(sink.classes().max(1)) {
        let row: Vec<f64> = row.iter().copied().map(f64::from).collect();
        sink.push(&row, Place::Array(sink.taken()))?;
    }
    sink.finish(None)
}

#[cfg(test)]
mod tests;
