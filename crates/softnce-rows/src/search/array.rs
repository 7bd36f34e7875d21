//! Arrays as matrices that are read block by block.

use std::ops::Range;

use ndarray::{ArrayRef2, ArrayView2, s};

use crate::{RowBlocks, RowsError};

/// An array in memory, with any strides.
impl RowBlocks for ArrayView2<'_, f32> {
    fn rows(&self) -> usize {
        self.nrows()
    }

    fn width(&self) -> usize {
        self.ncols()
    }

    fn read(&self, range: Range<usize>, out: &mut [f32]) -> Result<(), RowsError> {
        let array: &ArrayRef2<f32> = self;
        if range.start > range.end || range.end > array.nrows() {
            return Err(RowsError::argument("range", format!("{range:?}"), format!("rows of 0..{}", array.nrows())));
        }
        let rows = array.slice(s![range, ..]);
        if out.len() != rows.len() {
            return Err(RowsError::argument("out", format!("{} values", out.len()), format!("{}", rows.len())));
        }
        match rows.as_slice() {
            Some(values) => out.copy_from_slice(values),
            None => out.iter_mut().zip(rows).for_each(|(out, &value)| *out = value),
        }
        Ok(())
    }
}
