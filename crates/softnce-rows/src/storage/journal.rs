//! The rows that a commit changes, written beside the files before these are changed in place.
//!
//! The file: the length of the header, 8 bytes; the header in JSON; then for each matrix the numbers of the changed
//! rows, 4 bytes each, and their content. All integers are little-endian. The header holds a checksum of the file.

use std::path::Path;

use serde::{Deserialize, Serialize};
use softnce_store::{NewFile, RandomAccessFile, StoreError, UNSEALED, checksum_of};

use super::element::Element;
use super::matrix::RowMatrix;
use crate::RowsError;

/// What to do about a damaged journal.
const REMEDY: &str = "restore the checkpoint and this folder from the same copy";
/// The version of this format.
const FORMAT: u32 = 1;
/// About so many bytes are read or written at once.
const PART: usize = 1 << 20;

/// What a journal holds.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Header {
    softnce_checksum: String,
    format: u32,
    /// The generation that the journal changes.
    pub(super) base: u64,
    /// The generation that it leads to.
    pub(super) generation: u64,
    matrices: Vec<Entry>,
}

/// The changes of a matrix.
#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    name: String,
    rows: usize,
    width: usize,
    element: Element,
    /// How many rows changed.
    changed: u64,
}

impl Entry {
    fn of(name: &str, matrix: &RowMatrix) -> Self {
        let (rows, width, element) = (matrix.rows(), matrix.width(), matrix.element());
        Entry { name: name.to_owned(), rows, width, element, changed: matrix.changes() as u64 }
    }

    /// Whether it is one of this matrix.
    fn fits(&self, name: &str, matrix: &RowMatrix) -> bool {
        let Entry { rows, width, element, .. } = *self;
        self.name == name && (rows, width, element) == (matrix.rows(), matrix.width(), matrix.element())
    }
}

/// A file's first bytes.
fn head<'m>(
    path: &Path,
    base: u64,
    generation: u64,
    matrices: impl Iterator<Item = (&'m str, &'m RowMatrix)>,
) -> Result<Vec<u8>, StoreError> {
    let matrices = matrices.map(|(name, matrix)| Entry::of(name, matrix)).collect();
    let header = Header { softnce_checksum: UNSEALED.to_owned(), format: FORMAT, base, generation, matrices };
    let json = serde_json::to_vec(&header).map_err(std::io::Error::from).map_err(StoreError::file("write", path))?;
    let mut head = (json.len() as u64).to_le_bytes().to_vec();
    head.extend(json);
    Ok(head)
}

/// Bytes of a journal with all changes of these matrices.
pub(super) fn size<'m>(matrices: impl Iterator<Item = (&'m str, &'m RowMatrix)> + Clone) -> u64 {
    let content = |matrix: &RowMatrix| matrix.changes() as u64 * (4 + matrix.row_bytes() as u64);
    // The numbers of generations that are not known yet take at most so much.
    let head = head(Path::new(""), u64::MAX, u64::MAX, matrices.clone()).map_or(0, |head| head.len() as u64);
    head + matrices.map(|(_, matrix)| content(matrix)).sum::<u64>()
}

/// Writes all changes of these matrices, atomically.
pub(super) fn write<'m>(
    path: &Path,
    base: u64,
    generation: u64,
    matrices: impl Iterator<Item = (&'m str, &'m RowMatrix)> + Clone,
) -> Result<(), RowsError> {
    let mut file = NewFile::create(path)?;
    file.append(&head(path, base, generation, matrices.clone())?)?;
    let (mut content, mut unused) = (Vec::with_capacity(PART), Vec::new());
    for (_, matrix) in matrices {
        let rows = matrix.changed();
        for rows in rows.chunks(PART / 4) {
            content.clear();
            content.extend(rows.iter().flat_map(|row| row.to_le_bytes()));
            file.append(&content)?;
        }
        for rows in rows.chunks((PART / matrix.row_bytes()).max(1)) {
            content.clear();
            for &row in rows {
                content.extend_from_slice(matrix.bytes(row as usize..row as usize + 1, &mut unused)?);
            }
            file.append(&content)?;
        }
    }
    Ok(file.finish()?)
}

/// A journal whose checksum was verified.
pub(super) struct Journal {
    pub(super) header: Header,
    file: RandomAccessFile,
    /// The byte after the header.
    start: u64,
}

/// Opens a journal; `None` if there is none.
pub(super) fn open(path: &Path) -> Result<Option<Journal>, RowsError> {
    if !path.exists() {
        return Ok(None);
    }
    let invalid = |reason: String| StoreError::Invalid { path: path.to_owned(), reason, remedy: REMEDY };
    if checksum_of(path, REMEDY)?.is_none() {
        return Err(invalid("it holds no checksum".into()).into());
    }
    let file = RandomAccessFile::open(path)?;
    let (mut length, size) = ([0; 8], file.length()?);
    file.read(0, &mut length)?;
    let length = u64::from_le_bytes(length);
    if length > size - 8 || length > 1 << 20 {
        return Err(invalid(format!("a header of {length} bytes")).into());
    }
    let mut json = vec![0; length as usize];
    file.read(8, &mut json)?;
    let header: Header = serde_json::from_slice(&json).map_err(|error| invalid(error.to_string()))?;
    if header.format != FORMAT {
        return Err(invalid(format!("its format is {}, expected {FORMAT}", header.format)).into());
    }
    Ok(Some(Journal { header, file, start: 8 + length }))
}

impl Journal {
    /// Makes the changes in matrices that hold the generation before; their files stay as they are.
    pub(super) fn restore<'m>(
        &self,
        mut matrices: impl Iterator<Item = (&'m str, &'m mut RowMatrix)>,
    ) -> Result<(), RowsError> {
        let path = self.file.path();
        let invalid = |reason: String| StoreError::Invalid { path: path.to_owned(), reason, remedy: REMEDY };
        let (mut place, size) = (self.start, self.file.length()?);
        for entry in &self.header.matrices {
            let matrix = matrices.next().filter(|(name, matrix)| entry.fits(name, matrix)).map(|(_, matrix)| matrix);
            let matrix = matrix.ok_or_else(|| invalid(format!("it holds another matrix '{}'", entry.name)))?;
            let row_bytes = matrix.row_bytes();
            let content = entry.changed.checked_mul(4 + row_bytes as u64).and_then(|bytes| bytes.checked_add(place));
            if content.is_none_or(|end| end > size) {
                return Err(invalid(format!("{size} bytes for {} rows of '{}'", entry.changed, entry.name)).into());
            }
            let mut numbers = vec![0; 4 * entry.changed as usize];
            self.file.read(place, &mut numbers)?;
            place += numbers.len() as u64;
            let rows: Vec<u32> = numbers.as_chunks().0.iter().map(|row| u32::from_le_bytes(*row)).collect();
            let ascend = rows.windows(2).all(|pair| pair[0] < pair[1]);
            if !ascend || rows.last().is_some_and(|&row| row as usize >= matrix.rows()) {
                return Err(invalid(format!("rows of '{}' that do not exist or do not ascend", entry.name)).into());
            }
            let mut bytes = Vec::new();
            for rows in rows.chunks((PART / row_bytes).max(1)) {
                bytes.resize(rows.len() * row_bytes, 0);
                self.file.read(place, &mut bytes)?;
                place += bytes.len() as u64;
                matrix.restore(rows, &bytes)?;
            }
        }
        match (matrices.next(), place == size) {
            (Some((name, _)), _) => Err(invalid(format!("it holds no matrix '{name}'")).into()),
            (None, false) => Err(invalid(format!("{size} bytes, expected {place}")).into()),
            (None, true) => Ok(()),
        }
    }
}
