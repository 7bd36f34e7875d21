//! Matrix products on slices, read through strides.
//!
//! The order of every sum is fixed by the shapes alone: the `gemm` crate divides rows and columns among threads, never
//! the sum (tested).
#![allow(unsafe_code)] // The product takes raw pointers; every index is checked against its slice first.

use gemm::Parallelism;

/// A matrix inside a slice.
#[derive(Clone, Copy)]
pub(crate) struct Matrix<'a> {
    values: &'a [f32],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a> Matrix<'a> {
    /// Rows that begin `stride` values apart, each contiguous.
    pub(crate) fn new(values: &'a [f32], rows: usize, columns: usize, stride: usize) -> Self {
        assert!(holds(values.len(), rows, columns, stride), "a matrix of {rows} x {columns} leaves its slice");
        Matrix { values, rows, columns, row_stride: stride, column_stride: 1 }
    }

    /// The same memory with rows and columns exchanged.
    pub(crate) fn transposed(self) -> Self {
        Matrix {
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }
}

/// Whether the last value of a matrix lies in a slice of that length.
fn holds(len: usize, rows: usize, columns: usize, stride: usize) -> bool {
    rows == 0 || columns == 0 || (rows - 1) * stride + columns <= len
}

/// Who works on a product.
#[derive(Clone, Copy)]
pub(crate) enum Workers {
    /// The calling thread: for products that are themselves divided.
    One,
    /// All threads of the pool.
    All,
}

/// Where a product goes, and whether it is added to what is there.
pub(crate) struct Target<'a> {
    pub(crate) values: &'a mut [f32],
    /// Values from the beginning of a row to that of the next.
    pub(crate) stride: usize,
    pub(crate) add: bool,
}

impl<'a> Target<'a> {
    /// A target that is overwritten.
    pub(crate) fn new(values: &'a mut [f32], stride: usize) -> Self {
        Target { values, stride, add: false }
    }

    /// A target that is added to.
    pub(crate) fn adding(values: &'a mut [f32], stride: usize) -> Self {
        Target { values, stride, add: true }
    }
}

/// `target = factor a b`, or `target += factor a b`.
pub(crate) fn multiply(target: Target<'_>, factor: f32, a: Matrix<'_>, b: Matrix<'_>, workers: Workers) {
    let (rows, depth, columns) = (a.rows, a.columns, b.columns);
    assert_eq!(depth, b.rows, "the inner sizes of a product differ");
    let Target { values, stride, add } = target;
    assert!(
        holds(values.len(), rows, columns, stride) && (rows < 2 || stride >= columns),
        "a product leaves its slice"
    );
    if rows == 0 || columns == 0 {
        return;
    }
    if depth == 0 {
        if !add {
            for row in 0..rows {
                values[row * stride..][..columns].fill(0.0);
            }
        }
        return;
    }
    let parallelism = match workers {
        Workers::One => Parallelism::None,
        Workers::All => Parallelism::Rayon(0),
    };
    // SAFETY: every index of the three matrices lies in its slice, as asserted here and in `Matrix::new`; the target is
    // borrowed mutably, so it overlaps neither operand. Strides of a slice's values fit isize.
    unsafe {
        gemm::gemm(
            rows,
            columns,
            depth,
            values.as_mut_ptr(),
            1,
            stride as isize,
            add,
            a.values.as_ptr(),
            a.column_stride as isize,
            a.row_stride as isize,
            b.values.as_ptr(),
            b.column_stride as isize,
            b.row_stride as isize,
            1.0,
            factor,
            false,
            false,
            false,
            parallelism,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(len: usize, seed: u32) -> Vec<f32> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / 8_388_608.0 - 1.0
        };
        (0..len).map(|_| next()).collect()
    }

    #[test]
    fn strided_products_equal_the_definition() {
        for (rows, depth, columns) in [(1, 1, 1), (5, 7, 3), (65, 64, 65), (3, 0, 4), (0, 2, 3), (17, 33, 1)] {
            let (a, b) = (values(rows * (depth + 2) + 8, 1), values(columns * (depth + 3) + 8, 2));
            let before = values(rows * (columns + 1) + 8, 3);
            let mut found = before.clone();
            let product = Matrix::new(&b, columns, depth, depth + 3).transposed();
            let target = Target::adding(&mut found, columns + 1);
            multiply(target, -0.5, Matrix::new(&a, rows, depth, depth + 2), product, Workers::All);
            for row in 0..rows {
                for column in 0..columns {
                    let at = row * (columns + 1) + column;
                    let sum: f32 = (0..depth).map(|k| a[row * (depth + 2) + k] * b[column * (depth + 3) + k]).sum();
                    assert!((found[at] - (before[at] - 0.5 * sum)).abs() < 1e-4);
                }
                assert_eq!(found[row * (columns + 1) + columns], before[row * (columns + 1) + columns]);
            }
        }
    }

    #[test]
    fn the_bits_do_not_depend_on_the_number_of_threads() {
        let (rows, depth, columns) = (300, 1030, 210);
        let (a, b) = (values(rows * depth, 4), values(depth * columns, 5));
        let product = |threads: usize, workers| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let mut out = vec![0.0; rows * columns];
            let target = Target::new(&mut out, columns);
            pool.install(|| {
                multiply(
                    target,
                    1.0,
                    Matrix::new(&a, rows, depth, depth),
                    Matrix::new(&b, depth, columns, columns),
                    workers,
                )
            });
            out
        };
        let alone = product(1, Workers::One);
        for threads in [1, 2, 3, 5] {
            assert_eq!(product(threads, Workers::All), alone);
        }
    }
}
