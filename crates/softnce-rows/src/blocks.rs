//! Reading a matrix block by block.

use std::ops::Range;

use crate::RowsError;

/// A matrix `[rows, width]` that is read in blocks of consecutive rows, from memory or from a file.
pub trait RowBlocks: Sync {
    /// Number of rows.
    fn rows(&self) -> usize;

    /// Values of a row.
    fn width(&self) -> usize;

    /// Writes these rows to `out`, one after another.
    ///
    /// # Shapes
    /// `out`: `[range.len() * width]`.
    ///
    /// # Errors
    /// Rows that do not exist; another length of `out`; a file that cannot be read.
    fn read(&self, range: Range<usize>, out: &mut [f32]) -> Result<(), RowsError>;
}
