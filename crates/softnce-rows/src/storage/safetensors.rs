//! Matrices as a file that other programs read.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::path::Path;

use serde_json::json;
use softnce_store::{NewFile, StoreError};

use super::element::Element;
use super::matrix::RowMatrix;
use crate::RowsError;

/// About so many bytes are read and written at once.
const PART: usize = 1 << 20;

/// Rows that are written to a file as bytes of the type in which they are kept.
pub trait StoredRows {
    /// The shape of the tensor; the first side counts the rows.
    fn shape(&self) -> Vec<usize>;

    /// The type of its values.
    fn element(&self) -> Element;

    /// The bytes of rows that exist; `buffer` is where they are if they have to be read.
    ///
    /// # Errors
    /// Rows that cannot be read.
    fn bytes<'b>(&'b self, rows: Range<usize>, buffer: &'b mut Vec<u8>) -> Result<&'b [u8], RowsError>;
}

impl StoredRows for RowMatrix {
    fn shape(&self) -> Vec<usize> {
        vec![self.rows(), self.width()]
    }

    fn element(&self) -> Element {
        RowMatrix::element(self)
    }

    fn bytes<'b>(&'b self, rows: Range<usize>, buffer: &'b mut Vec<u8>) -> Result<&'b [u8], RowsError> {
        Ok(RowMatrix::bytes(self, rows, buffer)?)
    }
}

/// Writes matrices to a safetensors file, atomically, with the element in which they are kept, and changes that are not
/// yet committed. The file is never in memory. Metadata with the key [`CHECKSUM`](softnce_store::CHECKSUM) get the
/// file's checksum there.
///
/// # Shapes
/// Each tensor has the shape of its rows: `[rows, width]` for a [`RowMatrix`] and for
/// [`CurrentRows`](crate::CurrentRows).
///
/// # Errors
/// Two tensors of one name, or one that is called `__metadata__`; a file that cannot be read or written. An existing
/// file is then unchanged.
pub fn write_safetensors<R: StoredRows + ?Sized>(
    path: &Path,
    tensors: &[(&str, &R)],
    metadata: &BTreeMap<String, String>,
) -> Result<(), RowsError> {
    let text =
        |value: serde_json::Result<String>| value.map_err(io::Error::from).map_err(StoreError::file("write", path));
    let (mut entries, mut end) = (Vec::new(), 0);
    if !metadata.is_empty() {
        entries.push(format!("\"__metadata__\":{}", text(serde_json::to_string(metadata))?));
    }
    for (number, (name, rows)) in tensors.iter().enumerate() {
        if *name == "__metadata__" || tensors[..number].iter().any(|(other, _)| other == name) {
            return Err(RowsError::argument("tensors", format!("{name:?}"), "a name that no other entry has"));
        }
        let (start, shape) = (end, rows.shape());
        end += shape.iter().product::<usize>() * rows.element().size();
        let info = json!({"dtype": rows.element().name(), "shape": shape, "data_offsets": [start, end]});
        entries.push(format!("{}:{info}", text(serde_json::to_string(name))?));
    }
    let mut header = format!("{{{}}}", entries.join(",")).into_bytes();
    header.resize(header.len().next_multiple_of(8), b' ');
    let mut head = (header.len() as u64).to_le_bytes().to_vec();
    head.extend(header);
    let mut file = NewFile::create(path)?;
    file.append(&head)?;
    let mut buffer = Vec::new();
    for (_, rows) in tensors {
        let shape = rows.shape();
        let count = shape.first().copied().unwrap_or(0);
        let row_bytes = shape.iter().skip(1).product::<usize>() * rows.element().size();
        let part = (PART / row_bytes.max(1)).max(1);
        for first in (0..count).step_by(part) {
            file.append(rows.bytes(first..(first + part).min(count), &mut buffer)?)?;
        }
    }
    Ok(file.finish()?)
}
