//! Sparse matrices, row by row.

use ndarray::{Array2, ArrayView2};

/// A sparse matrix.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sparse {
    rows: usize,
    columns: usize,
    /// Where each row's entries begin, and the end of the last.
    starts: Vec<usize>,
    /// Column and value, row after row.
    entries: Vec<(usize, f32)>,
}

impl Sparse {
    /// From the entries of each row.
    pub(crate) fn new(rows: &[Vec<(usize, f32)>], columns: usize) -> Self {
        let mut starts = vec![0];
        starts.extend(rows.iter().scan(0, |end, row| {
            *end += row.len();
            Some(*end)
        }));
        Sparse { rows: rows.len(), columns, starts, entries: rows.concat() }
    }

    fn row(&self, row: usize) -> &[(usize, f32)] {
        &self.entries[self.starts[row]..self.starts[row + 1]]
    }

    /// Number of columns.
    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    /// Number of entries.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The same with each entry times its factor.
    pub(crate) fn scaled(&self, factors: impl Iterator<Item = f32>) -> Self {
        let entries = self.entries.iter().zip(factors).map(|(&(column, value), factor)| (column, value * factor));
        Sparse { entries: entries.collect(), starts: self.starts.clone(), ..*self }
    }

    /// `self dense`. Shape of the result: `[rows, k]`.
    pub(crate) fn times(&self, dense: ArrayView2<'_, f32>) -> Array2<f32> {
        let mut out = Array2::zeros((self.rows, dense.ncols()));
        for (row, mut out) in out.rows_mut().into_iter().enumerate() {
            for &(column, value) in self.row(row) {
                out.scaled_add(value, &dense.row(column));
            }
        }
        out
    }

    /// `self^T dense`. Shape of the result: `[columns, k]`.
    pub(crate) fn transposed_times(&self, dense: ArrayView2<'_, f32>) -> Array2<f32> {
        let mut out = Array2::zeros((self.columns, dense.ncols()));
        for (row, dense) in dense.rows().into_iter().enumerate() {
            for &(column, value) in self.row(row) {
                out.row_mut(column).scaled_add(value, &dense);
            }
        }
        out
    }
}
