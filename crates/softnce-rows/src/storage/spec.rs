//! What a matrix is to be.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use softnce_kernels::parallel::{WAKING, for_each_part, threads_for};

use super::element::{Element, Rounding, encode};
use super::random::Stream;
use crate::RowsError;

/// Where a matrix is while a program works with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Place {
    /// In memory; its file in a [`RowStore`](super::RowStore) gets the changed rows with each commit.
    #[default]
    Memory,
    /// In its file, from which rows are read when they are asked for; the system keeps what fits into memory. Rows that
    /// changed since the last commit are in memory.
    Disk,
}

/// The first values of a matrix.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Init {
    /// Zeros, which take no space on the disk until a row is changed. Rows that then change in random order leave the
    /// file in many extents, and removing a file can take more than a millisecond for each (measured on ext4). Where
    /// most rows will change, choose [`Init::ZeroInFull`].
    Zero,
    /// Zeros that are written to the file, which takes all of its space from the start and stays in one piece.
    ZeroInFull,
    /// Independent normal values with mean 0. Each is a function of the seed, its row and its column.
    Normal {
        /// Standard deviation.
        std: f32,
        /// One for each matrix and run.
        seed: u64,
    },
}

/// A matrix of a [`RowStore`](super::RowStore).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MatrixSpec {
    /// Its name, and that of its file: letters, digits, `-` and `_`.
    pub name: String,
    /// Number of rows.
    pub rows: usize,
    /// Values of a row.
    pub width: usize,
    /// The type of the values.
    pub element: Element,
    /// Its first values.
    pub init: Init,
    /// Where it is; each process may choose anew.
    #[serde(skip)]
    pub place: Place,
}

impl MatrixSpec {
    /// Bytes of all values.
    ///
    /// # Errors
    /// A name, a size or first values that no matrix can have.
    pub(super) fn bytes(&self) -> Result<u64, RowsError> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if self.name.is_empty() || !self.name.bytes().all(is_plain) {
            let expected = "letters, digits, - and _";
            return Err(RowsError::argument("name of a matrix", format!("{:?}", self.name), expected));
        }
        bytes(self.rows, self.width, self.element, self.init)
    }
}

/// Bytes of the values of a matrix.
///
/// # Errors
/// A size or first values that no matrix can have.
pub(super) fn bytes(rows: usize, width: usize, element: Element, init: Init) -> Result<u64, RowsError> {
    if rows == 0 || u32::try_from(rows).is_err() {
        return Err(RowsError::argument("rows", rows, format!("1 to {}", u32::MAX)));
    }
    let bytes = rows.checked_mul(width).and_then(|values| values.checked_mul(element.size()));
    let bytes = bytes.filter(|&bytes| width > 0 && isize::try_from(bytes).is_ok());
    let bytes = bytes.ok_or_else(|| {
        RowsError::argument("width", width, format!("at least 1, with {rows} rows at most {} bytes", isize::MAX))
    })?;
    match init {
        Init::Normal { std, .. } if !(std.is_finite() && std >= 0.0) => {
            Err(RowsError::argument("std", std, "a finite number of at least 0"))
        }
        Init::Normal { .. } if element == Element::U32 => {
            Err(RowsError::argument("init", format!("{init:?}"), "Zero for a matrix of integers"))
        }
        _ => Ok(bytes as u64),
    }
}

/// Writes the first values of these rows.
///
/// # Shapes
/// `out`: the bytes of these rows.
pub(super) fn fill(init: Init, element: Element, width: usize, rows: Range<u32>, out: &mut [u8]) {
    match init {
        Init::Normal { std, seed } if std > 0.0 => {
            // A logarithm, a root, a sine and a cosine for each two values.
            let threads = threads_for(rows.len() * width * 20, WAKING, rows.len());
            let parts = rows.zip(out.chunks_exact_mut(width * element.size()));
            for_each_part(threads, parts, |(row, out)| {
                let mut values = vec![0.0; width];
                Stream::new([seed, u64::from(row)]).fill_normal(std, &mut values);
                encode(element, Rounding::Nearest, row, &values, out);
            });
        }
        _ => out.fill(0),
    }
}
