//! Matrices as a file that other programs read.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use serde_json::json;
use softnce_store::{NewFile, StoreError};

use super::matrix::RowMatrix;
use crate::RowsError;

/// About so many bytes are read and written at once.
const PART: usize = 1 << 20;

/// Writes matrices to a safetensors file, atomically, with the element in which they are kept, and changes that are not
/// yet committed. The file is never in memory. Metadata with the key [`CHECKSUM`](softnce_store::CHECKSUM) get the
/// file's checksum there.
///
/// # Shapes
/// Each tensor has the shape `[rows, width]` of its matrix.
///
/// # Errors
/// Two tensors of one name, or one that is called `__metadata__`; a file that cannot be read or written. An existing
/// file is then unchanged.
pub fn write_safetensors(
    path: &Path,
    tensors: &[(&str, &RowMatrix)],
    metadata: &BTreeMap<String, String>,
) -> Result<(), RowsError> {
    let text =
        |value: serde_json::Result<String>| value.map_err(io::Error::from).map_err(StoreError::file("write", path));
    let (mut entries, mut end) = (Vec::new(), 0);
    if !metadata.is_empty() {
        entries.push(format!("\"__metadata__\":{}", text(serde_json::to_string(metadata))?));
    }
    for (number, (name, matrix)) in tensors.iter().enumerate() {
        if *name == "__metadata__" || tensors[..number].iter().any(|(other, _)| other == name) {
            return Err(RowsError::argument("tensors", format!("{name:?}"), "a name that no other entry has"));
        }
        let start = end;
        end += matrix.rows() * matrix.row_bytes();
        let shape = [matrix.rows(), matrix.width()];
        let info = json!({"dtype": matrix.element().name(), "shape": shape, "data_offsets": [start, end]});
        entries.push(format!("{}:{info}", text(serde_json::to_string(name))?));
    }
    let mut header = format!("{{{}}}", entries.join(",")).into_bytes();
    header.resize(header.len().next_multiple_of(8), b' ');
    let mut head = (header.len() as u64).to_le_bytes().to_vec();
    head.extend(header);
    let mut file = NewFile::create(path)?;
    file.append(&head)?;
    let mut buffer = Vec::new();
    for (_, matrix) in tensors {
        let part = (PART / matrix.row_bytes()).max(1);
        for first in (0..matrix.rows()).step_by(part) {
            let rows = first..(first + part).min(matrix.rows());
            file.append(matrix.bytes(rows, &mut buffer)?)?;
        }
    }
    Ok(file.finish()?)
}
