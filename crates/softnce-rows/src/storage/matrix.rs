//! A matrix of which rows are read and changed.

use std::mem::take;
use std::ops::Range;

use bytemuck::allocation::try_zeroed_vec;
use softnce_kernels::parallel::{WAKING, for_each, for_each_part, threads_for};
use softnce_kernels::system::advise_large_pages;
use softnce_store::{RandomAccessFile, StoreError};

use super::changes::{Overlay, RowSet};
use super::element::{Element, Rounding, decode, decode_u32, encode, encode_u32};
use super::spec::{self, Init, MatrixSpec, Place};
use crate::{RowBlocks, RowsError};

/// About so many bytes are read, changed or decoded as one part of work.
const PART: usize = 1 << 16;

/// At most so many bytes of consecutive rows are written at once.
const RUN: usize = 1 << 20;

/// The work of finding a row, in vector operations: a cache line that is not in the cache, or a call of the system.
const FINDING: usize = 500;

/// A matrix `[rows, width]` in memory or in a file, of which a training step reads and changes few rows.
///
/// Values are f32 for the caller; [`Element`] says how they are kept. Matrices of [`Element::U32`] have calls of their
/// own. Large calls use the threads of rayon's current pool; results have the same bits with any number of threads.
#[derive(Debug)]
pub struct RowMatrix {
    rows: usize,
    width: usize,
    element: Element,
    content: Content,
    /// The rows that changed since the last commit.
    changed: RowSet,
    /// Whether a commit has been prepared, so that no row may change until it is applied or cancelled.
    is_frozen: bool,
}

#[derive(Debug)]
enum Content {
    Memory {
        values: Vec<u8>,
        /// `None`: the matrix belongs to no store.
        file: Option<RandomAccessFile>,
    },
    Disk {
        file: RandomAccessFile,
        /// The changed rows.
        overlay: Overlay,
    },
}

impl RowMatrix {
    /// A matrix in memory that belongs to no store.
    ///
    /// # Errors
    /// A size or first values that no matrix can have; memory that the system refuses.
    pub fn in_memory(rows: usize, width: usize, element: Element, init: Init) -> Result<Self, RowsError> {
        let mut values = memory(spec::bytes(rows, width, element, init)?)?;
        // Zeros are there already.
        if init != Init::Zero {
            spec::fill(init, element, width, 0..rows as u32, &mut values);
        }
        let content = Content::Memory { values, file: None };
        Ok(RowMatrix { rows, width, element, content, changed: RowSet::new(rows), is_frozen: false })
    }

    /// The matrix in a file of the right length.
    pub(super) fn open(spec: &MatrixSpec, file: RandomAccessFile) -> Result<Self, RowsError> {
        let MatrixSpec { rows, width, element, place, .. } = *spec;
        let content = match place {
            Place::Memory => {
                let mut values = memory(spec.bytes()?)?;
                file.read(0, &mut values)?;
                Content::Memory { values, file: Some(file) }
            }
            Place::Disk => Content::Disk { file, overlay: Overlay::new(width * element.size()) },
        };
        Ok(RowMatrix { rows, width, element, content, changed: RowSet::new(rows), is_frozen: false })
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Values of a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// How values are kept.
    pub fn element(&self) -> Element {
        self.element
    }

    /// Where the matrix is.
    pub fn place(&self) -> Place {
        match self.content {
            Content::Memory { .. } => Place::Memory,
            Content::Disk { .. } => Place::Disk,
        }
    }

    /// Copies rows, in any order, also repeatedly.
    ///
    /// # Shapes
    /// `rows`: `[n]`; `out`: `[n * width]`.
    ///
    /// # Errors
    /// A row that does not exist, another length of `out`, a matrix of integers, a file that cannot be read.
    pub fn gather(&self, rows: &[u32], out: &mut [f32]) -> Result<(), RowsError> {
        self.expect_floats()?;
        self.gather_with(rows, out, |bytes, out| decode(self.element, bytes, out))
    }

    /// [`RowMatrix::gather`] for a matrix of integers.
    ///
    /// # Errors
    /// As [`RowMatrix::gather`]; a matrix of floats.
    pub fn gather_u32(&self, rows: &[u32], out: &mut [u32]) -> Result<(), RowsError> {
        self.expect_integers()?;
        self.gather_with(rows, out, decode_u32)
    }

    /// Replaces rows. Either all of them are replaced or, after an error, none.
    ///
    /// Values beyond the range of bf16 become its largest value.
    ///
    /// # Shapes
    /// `rows`: `[n]`, ascending, none twice; `values`: `[n * width]`.
    ///
    /// # Errors
    /// Rows that do not exist or do not ascend, another length of `values`, a value that is not finite, a matrix of
    /// integers; a commit that is neither applied nor cancelled; memory that the system refuses.
    pub fn scatter(&mut self, rows: &[u32], values: &[f32], rounding: Rounding) -> Result<(), RowsError> {
        self.expect_floats()?;
        let (element, width) = (self.element, self.width);
        for (number, values) in values.chunks(width).enumerate() {
            // Without an exit, so that it becomes vector code.
            if !values.iter().fold(true, |finite, value| finite & value.is_finite()) {
                let column = values.iter().position(|value| !value.is_finite()).unwrap_or_default();
                let row = rows.get(number).map_or_else(|| "-".to_owned(), u32::to_string);
                let found = format!("{} in row {row}, column {column}", values[column]);
                return Err(RowsError::argument("values", found, "finite numbers"));
            }
        }
        self.scatter_with(rows, values, |row, values, out| encode(element, rounding, row, values, out))
    }

    /// [`RowMatrix::scatter`] for a matrix of integers.
    ///
    /// # Errors
    /// As [`RowMatrix::scatter`]; a matrix of floats.
    pub fn scatter_u32(&mut self, rows: &[u32], values: &[u32]) -> Result<(), RowsError> {
        self.expect_integers()?;
        self.scatter_with(rows, values, |_, values, out| encode_u32(values, out))
    }

    fn expect_floats(&self) -> Result<(), RowsError> {
        let expected = "a matrix of floats; gather_u32 and scatter_u32 take this one";
        if self.element == Element::U32 { Err(RowsError::argument("matrix", "one of U32", expected)) } else { Ok(()) }
    }

    fn expect_integers(&self) -> Result<(), RowsError> {
        let found = format!("one of {}", self.element.name());
        if self.element == Element::U32 { Ok(()) } else { Err(RowsError::argument("matrix", found, "one of U32")) }
    }

    fn gather_with<T: Send>(
        &self,
        rows: &[u32],
        out: &mut [T],
        decode: impl Fn(&[u8], &mut [T]) + Sync,
    ) -> Result<(), RowsError> {
        self.expect_length("out", rows.len(), out.len())?;
        if let Some(&row) = rows.iter().find(|&&row| row as usize >= self.rows) {
            return Err(RowsError::argument("rows", format!("row {row}"), format!("0 to {}", self.rows - 1)));
        }
        let part = (PART / self.row_bytes()).max(1);
        let threads = self.threads(rows.len(), rows.len().div_ceil(part));
        let parts = rows.chunks(part).zip(out.chunks_mut(part * self.width));
        for_each(threads, parts, Vec::new, |buffer, (rows, out)| {
            rows.iter().zip(out.chunks_mut(self.width)).try_for_each(|(&row, out)| {
                let row = row as usize;
                decode(self.bytes(row..row + 1, buffer)?, out);
                Ok(())
            })
        })
    }

    fn scatter_with<T: Copy + Sync>(
        &mut self,
        rows: &[u32],
        values: &[T],
        encode: impl Fn(u32, &[T], &mut [u8]) + Sync,
    ) -> Result<(), RowsError> {
        if self.is_frozen {
            let reason = "a commit is prepared: apply or cancel it first";
            return Err(RowsError::Order { call: "scatter", reason });
        }
        self.expect_length("values", rows.len(), values.len())?;
        self.expect_ascending(rows)?;
        let (width, row_bytes) = (self.width, self.row_bytes());
        let part = (PART / row_bytes).max(1);
        let threads = self.threads(rows.len(), rows.len().div_ceil(part));
        let parts = rows.chunks(part).zip(values.chunks(part * width));
        match &mut self.content {
            Content::Memory { values: kept, .. } => {
                // Rows ascend, so each part of them is in a part of the matrix of its own.
                let (mut rest, mut next) = (&mut kept[..], 0);
                let parts: Vec<_> = parts
                    .map(|(rows, values)| {
                        let ends = [rows.first(), rows.last()].map(|row| row.map_or(0, |&row| row as usize));
                        let (_, from) = take(&mut rest).split_at_mut((ends[0] - next) * row_bytes);
                        let (kept, after) = from.split_at_mut((ends[1] + 1 - ends[0]) * row_bytes);
                        (rest, next) = (after, ends[1] + 1);
                        (rows, values, kept, ends[0])
                    })
                    .collect();
                for_each_part(threads, parts.into_iter(), |(rows, values, kept, first)| {
                    for (&row, values) in rows.iter().zip(values.chunks(width)) {
                        let start = (row as usize - first) * row_bytes;
                        encode(row, values, &mut kept[start..start + row_bytes]);
                    }
                });
            }
            Content::Disk { overlay, .. } => {
                overlay.reserve(rows.len())?;
                let mut bytes = memory((rows.len() * row_bytes) as u64)?;
                let parts = parts.zip(bytes.chunks_mut(part * row_bytes));
                for_each_part(threads, parts, |((rows, values), bytes)| {
                    let rows = rows.iter().zip(values.chunks(width));
                    rows.zip(bytes.chunks_mut(row_bytes))
                        .for_each(|((&row, values), bytes)| encode(row, values, bytes));
                });
                rows.iter().zip(bytes.chunks(row_bytes)).for_each(|(&row, bytes)| overlay.set(row, bytes));
            }
        }
        rows.iter().for_each(|&row| self.changed.insert(row));
        Ok(())
    }

    fn expect_length(&self, argument: &'static str, rows: usize, found: usize) -> Result<(), RowsError> {
        match rows.checked_mul(self.width) {
            Some(expected) if expected == found => Ok(()),
            _ => {
                let expected = format!("[{rows} rows * {} values]", self.width);
                Err(RowsError::argument(argument, format!("[{found}]"), expected))
            }
        }
    }

    fn expect_ascending(&self, rows: &[u32]) -> Result<(), RowsError> {
        if let Some(pair) = rows.windows(2).find(|pair| pair[0] >= pair[1]) {
            let found = format!("{} before {}", pair[0], pair[1]);
            return Err(RowsError::argument("rows", found, "ascending rows, none twice"));
        }
        match rows.last() {
            Some(&row) if row as usize >= self.rows => {
                Err(RowsError::argument("rows", format!("row {row}"), format!("0 to {}", self.rows - 1)))
            }
            _ => Ok(()),
        }
    }

    /// Threads for this many rows in this many parts.
    fn threads(&self, rows: usize, parts: usize) -> usize {
        threads_for(rows.saturating_mul(self.row_bytes() / 32 + FINDING), WAKING, parts)
    }

    /// Bytes of a row.
    pub(super) fn row_bytes(&self) -> usize {
        self.width * self.element.size()
    }

    /// The bytes of rows that exist; `buffer` is where they are if they have to be read.
    pub(super) fn bytes<'b>(&'b self, rows: Range<usize>, buffer: &'b mut Vec<u8>) -> Result<&'b [u8], StoreError> {
        let row_bytes = self.row_bytes();
        let place = rows.start * row_bytes..rows.end * row_bytes;
        let (file, overlay) = match &self.content {
            Content::Memory { values, .. } => return Ok(&values[place]),
            Content::Disk { file, overlay } => (file, overlay),
        };
        if rows.len() == 1
            && self.changed.contains(rows.start as u32)
            && let Some(content) = overlay.get(rows.start as u32)
        {
            return Ok(content);
        }
        buffer.resize(place.len(), 0);
        file.read(place.start as u64, buffer)?;
        for row in self.changed.within(rows.clone()) {
            let start = (row as usize - rows.start) * row_bytes;
            if let Some(content) = overlay.get(row) {
                buffer[start..start + row_bytes].copy_from_slice(content);
            }
        }
        Ok(buffer)
    }

    /// The rows that changed since the last commit, ascending.
    pub(super) fn changed(&self) -> Vec<u32> {
        self.changed.within(0..self.rows).collect()
    }

    /// How many rows changed since the last commit.
    pub(super) fn changes(&self) -> usize {
        self.changed.len()
    }

    /// Bytes of memory that the changed rows take beyond the matrix itself.
    pub(super) fn overlay_bytes(&self) -> u64 {
        match &self.content {
            Content::Memory { .. } => 0,
            Content::Disk { overlay, .. } => overlay.memory(),
        }
    }

    /// Allows changes, or refuses them.
    pub(super) fn freeze(&mut self, is_frozen: bool) {
        self.is_frozen = is_frozen;
    }

    /// Sets the bytes of rows that exist, as those of an earlier process that changed them.
    pub(super) fn restore(&mut self, rows: &[u32], bytes: &[u8]) -> Result<(), RowsError> {
        let row_bytes = self.row_bytes();
        if let Content::Disk { overlay, .. } = &mut self.content {
            overlay.reserve(rows.len())?;
        }
        for (&row, bytes) in rows.iter().zip(bytes.chunks_exact(row_bytes)) {
            match &mut self.content {
                Content::Memory { values, .. } => {
                    let start = row as usize * row_bytes;
                    values[start..start + row_bytes].copy_from_slice(bytes);
                }
                Content::Disk { overlay, .. } => overlay.set(row, bytes),
            }
            self.changed.insert(row);
        }
        Ok(())
    }

    /// Writes all changed rows to their places in the file and syncs them; those of a run of consecutive rows at once.
    pub(super) fn write_changed(&mut self) -> Result<(), RowsError> {
        let (rows, row_bytes) = (self.changed(), self.row_bytes());
        let part = (RUN / row_bytes).max(1);
        let mut buffer = Vec::new();
        for rows in rows.chunk_by(|one, other| one + 1 == *other).flat_map(|run| run.chunks(part)) {
            let Some(&first) = rows.first() else { continue };
            let first = first as usize;
            buffer.clear();
            for row in first..first + rows.len() {
                let mut unused = Vec::new();
                buffer.extend_from_slice(self.bytes(row..row + 1, &mut unused)?);
            }
            if let Some(file) = self.file() {
                file.write((first * row_bytes) as u64, &buffer)?;
            }
        }
        self.file().map_or(Ok(()), RandomAccessFile::sync)?;
        Ok(())
    }

    fn file(&mut self) -> Option<&mut RandomAccessFile> {
        match &mut self.content {
            Content::Memory { file, .. } => file.as_mut(),
            Content::Disk { file, .. } => Some(file),
        }
    }

    /// Notes that the file has all changed rows.
    pub(super) fn settle(&mut self) {
        self.changed.clear();
        if let Content::Disk { overlay, .. } = &mut self.content {
            overlay.clear();
        }
    }
}

impl RowBlocks for RowMatrix {
    fn rows(&self) -> usize {
        self.rows
    }

    fn width(&self) -> usize {
        self.width
    }

    fn read(&self, range: Range<usize>, out: &mut [f32]) -> Result<(), RowsError> {
        self.expect_floats()?;
        if range.start > range.end || range.end > self.rows {
            return Err(RowsError::argument("range", format!("{range:?}"), format!("within 0..{}", self.rows)));
        }
        self.expect_length("out", range.len(), out.len())?;
        let part = (PART / self.row_bytes()).max(1);
        // Per row only the values count: blocks are read at once.
        let threads = threads_for(out.len() / 8, WAKING, range.len().div_ceil(part));
        let parts = range.clone().step_by(part).zip(out.chunks_mut(part * self.width));
        for_each(threads, parts, Vec::new, |buffer, (first, out)| {
            let end = (first + part).min(range.end);
            decode(self.element, self.bytes(first..end, buffer)?, out);
            Ok(())
        })
    }
}

/// Zeros.
///
/// # Errors
/// Memory that the system refuses.
fn memory(bytes: u64) -> Result<Vec<u8>, RowsError> {
    let refused = RowsError::Memory { purpose: "a matrix", bytes };
    let Ok(values) = try_zeroed_vec(usize::try_from(bytes).unwrap_or(usize::MAX)) else { return Err(refused) };
    advise_large_pages(&values);
    Ok(values)
}
