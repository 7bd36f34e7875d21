//! A matrix in a file, read row by row when a row is asked for.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use npyz::Order;
use safetensors::tensor::Metadata;
use softnce_store::read_exact_at;

use super::element::NumberFormat;
use super::{ArrayError, npy, safetensors as tensors};
use crate::ContentError;

/// Largest header of a safetensors file, as in the library itself.
const MOST_HEADER: u64 = 100_000_000;

/// A matrix, or a vector as a matrix of one column, in an `.npy` or `.safetensors` file.
///
/// Rows are read from their place in the file whenever they are asked for, so the file may be larger than memory; the
/// system keeps what fits. Unlike a mapped file, a file that is cut short while it is read gives an error, and not a
/// signal that ends the program.
#[derive(Debug)]
pub(crate) struct RowFile {
    path: PathBuf,
    file: File,
    start: u64,
    rows: usize,
    /// `None`: the array has one dimension.
    columns: Option<usize>,
    format: NumberFormat,
}

impl RowFile {
    /// Opens a file by its ending; `tensor`: which tensor of a safetensors file.
    ///
    /// # Errors
    /// A file that cannot be read, is no such array, has another number of dimensions than 1 or 2, or other values than
    /// numbers; one whose length differs from what its header says.
    pub(crate) fn open(path: &Path, tensor: &str) -> Result<Self, ArrayError> {
        let file = File::open(path).map_err(ArrayError::io(path))?;
        let length = file.metadata().map_err(ArrayError::io(path))?.len();
        let ending = path.extension().map(|ending| ending.to_ascii_lowercase());
        let is_safetensors = ending.as_deref() == Some("safetensors".as_ref());
        let (shape, format, start) = match is_safetensors {
            true => tensor_in(path, &file, tensor)?,
            false => array_in(path, &file)?,
        };
        let wrong = |found: String, expected: &str| ContentError::whole::<ArrayError>(path, found, expected);
        let (rows, columns) = match shape[..] {
            [rows] => (rows, None),
            [rows, columns] => (rows, Some(columns)),
            _ => return Err(wrong(format!("an array of shape {shape:?}"), "one of one or two dimensions")),
        };
        let bytes = rows.checked_mul(columns.unwrap_or(1)).and_then(|values| values.checked_mul(format.size()));
        let end = bytes.and_then(|bytes| start.checked_add(bytes as u64));
        let found = format!("{length} bytes for an array of shape {shape:?}");
        match end {
            Some(end) if end == length => {}
            // Other tensors may follow in a safetensors file.
            Some(end) if end < length && is_safetensors => {}
            Some(end) if end < length => return Err(wrong(found, "nothing after it")),
            _ => return Err(wrong(found, "a file that holds all of it")),
        }
        Ok(RowFile { path: path.to_owned(), file, start, rows, columns, format })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// `None`: the array has one dimension.
    pub(crate) fn columns(&self) -> Option<usize> {
        self.columns
    }

    /// The bytes of rows.
    fn bytes(&self, first: usize, count: usize) -> Result<Vec<u8>, ArrayError> {
        let size = self.columns.unwrap_or(1) * self.format.size();
        let mut bytes = vec![0; count * size];
        let start = self.start + (first * size) as u64;
        read_exact_at(&self.file, &mut bytes, start).map_err(ArrayError::io(&self.path))?;
        Ok(bytes)
    }

    /// Reads a row.
    ///
    /// # Errors
    /// A row that cannot be read; a value that is not finite.
    pub(crate) fn read(&self, row: usize, out: &mut [f32]) -> Result<(), ArrayError> {
        self.format.decode_all(&self.bytes(row, 1)?, out);
        match out.iter().position(|value| !value.is_finite()) {
            None => Ok(()),
            Some(column) => {
                let place = format!("{} in row {row}, column {column}", out[column]);
                Err(ContentError::whole(&self.path, place, "finite numbers of f32"))
            }
        }
    }

    /// All values of an array of one dimension.
    pub(crate) fn values(&self) -> Result<Vec<f64>, ArrayError> {
        let bytes = self.bytes(0, self.rows)?;
        Ok(bytes.chunks_exact(self.format.size()).map(|value| self.format.decode(value)).collect())
    }
}

/// The shape, format and first byte of the array of an `.npy` file.
fn array_in(path: &Path, file: &File) -> Result<(Vec<usize>, NumberFormat, u64), ArrayError> {
    let (header, start) = npy::read_header(path, &mut BufReader::new(file))?;
    let shape: Vec<usize> = header.shape().iter().filter_map(|&side| usize::try_from(side).ok()).collect();
    if header.order() == Order::Fortran && shape.len() > 1 {
        let expected = "rows one after another, as after numpy.ascontiguousarray(array)";
        return Err(ContentError::whole(path, "an array in Fortran's order", expected));
    }
    let dtype = header.dtype();
    let format = npy::element(&dtype).ok_or_else(|| {
        let object = if dtype.uses_pickled_array() { "Python objects" } else { &dtype.descr() };
        let expected = "numbers, as after array.astype(numpy.float32)";
        ContentError::whole::<ArrayError>(path, format!("an array of {object}"), expected)
    })?;
    Ok((shape, format, start))
}

/// The shape, format and first byte of a tensor of a safetensors file.
fn tensor_in(path: &Path, file: &File, name: &str) -> Result<(Vec<usize>, NumberFormat, u64), ArrayError> {
    let damaged = |found: String| ContentError::byte::<ArrayError>(path, 0, found, "the header of a .safetensors file");
    let (mut reader, mut length) = (BufReader::new(file), [0; 8]);
    reader.read_exact(&mut length).map_err(|error| damaged(error.to_string()))?;
    let header = u64::from_le_bytes(length);
    if header > MOST_HEADER {
        return Err(damaged(format!("a header of {header} bytes")));
    }
    let mut bytes = Vec::new();
    reader.take(header).read_to_end(&mut bytes).map_err(ArrayError::io(path))?;
    let metadata: Metadata = serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
    let tensor = metadata.info(name).ok_or_else(|| {
        let mut names: Vec<String> = metadata.tensors().into_keys().collect();
        names.sort();
        ContentError::whole::<ArrayError>(path, format!("tensors {}", names.join(", ")), format!("a tensor '{name}'"))
    })?;
    let format = tensors::element(tensor.dtype).ok_or_else(|| {
        let found = format!("tensor '{name}' of {:?}", tensor.dtype);
        ContentError::whole::<ArrayError>(path, found, "integers or floating-point numbers")
    })?;
    let offset = tensor.data_offsets.0 as u64;
    let start = (8 + header).checked_add(offset).ok_or_else(|| damaged(format!("tensor '{name}' at byte {offset}")))?;
    Ok((tensor.shape.clone(), format, start))
}
