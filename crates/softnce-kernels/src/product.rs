//! Matrix products, computed by the crate `gemm`.

use gemm::Parallelism;
use ndarray::{ArrayView2, ArrayViewMut2, ShapeBuilder};

use crate::parallel::available;
use crate::simd::SimdFloat;

/// Which threads compute a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Threads {
    /// The calling thread alone: for products inside a task of a parallel loop.
    Caller,
    /// All threads of rayon's current pool, up to the limit of [`with_at_most`](crate::parallel::with_at_most).
    Pool,
}

/// `out <- lhs rhs`, or `out <- out + lhs rhs` if `add`, on the threads of rayon's current pool.
///
/// # Shapes
/// `out` `[m, n]`, `lhs` `[m, k]`, `rhs` `[k, n]`, each with any strides.
///
/// # Panics
/// If the shapes do not fit together.
pub fn product<A: SimdFloat>(out: ArrayViewMut2<'_, A>, add: bool, lhs: ArrayView2<'_, A>, rhs: ArrayView2<'_, A>) {
    scaled_product(out, add, A::one(), lhs, rhs, Threads::Pool);
}

/// `out <- factor lhs rhs`, or `out <- out + factor lhs rhs` if `add`.
///
/// The order of each entry's sum depends on the shapes alone: `gemm` divides rows and columns among threads, never the
/// sum over k.
///
/// # Shapes
/// As [`product`].
///
/// # Panics
/// As [`product`].
#[allow(unsafe_code)]
pub fn scaled_product<A: SimdFloat>(
    mut out: ArrayViewMut2<'_, A>,
    add: bool,
    factor: A,
    lhs: ArrayView2<'_, A>,
    rhs: ArrayView2<'_, A>,
    threads: Threads,
) {
    let ((m, n), (rows, k)) = (out.dim(), lhs.dim());
    assert!(rows == m && rhs.dim() == (k, n), "product of {:?} and {:?} into {:?}", lhs.dim(), rhs.dim(), out.dim());
    if k == 0 && !add {
        out.fill(A::zero());
    }
    if m == 0 || n == 0 || k == 0 {
        return;
    }
    let parallelism = match (threads, available()) {
        (Threads::Caller, _) | (Threads::Pool, 1) => Parallelism::None,
        (Threads::Pool, count) => Parallelism::Rayon(count),
    };
    let [out_strides, lhs_strides, rhs_strides] =
        [out.strides(), lhs.strides(), rhs.strides()].map(|strides| (strides[0], strides[1]));
    // SAFETY: the pointers and strides come from views that are alive here, and the sizes passed are theirs, so every
    // index lies in its array. `out` is borrowed mutably, so it overlaps neither operand.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            out.as_mut_ptr(),
            out_strides.1,
            out_strides.0,
            add,
            lhs.as_ptr(),
            lhs_strides.1,
            lhs_strides.0,
            rhs.as_ptr(),
            rhs_strides.1,
            rhs_strides.0,
            A::one(),
            factor,
            false,
            false,
            false,
            parallelism,
        );
    }
}

/// A matrix inside a slice: row r begins at `values[r * stride]`, its values lie one after another.
///
/// # Panics
/// If the last value lies outside the slice.
pub fn matrix<A>(values: &[A], rows: usize, columns: usize, stride: usize) -> ArrayView2<'_, A> {
    match ArrayView2::from_shape((rows, columns).strides(strides(rows, columns, stride)), values) {
        Ok(matrix) => matrix,
        Err(error) => outside(rows, columns, stride, values.len(), &error),
    }
}

/// As [`matrix`], for writing.
///
/// # Panics
/// If the last value lies outside the slice, or rows overlap.
pub fn matrix_mut<A>(values: &mut [A], rows: usize, columns: usize, stride: usize) -> ArrayViewMut2<'_, A> {
    let len = values.len();
    match ArrayViewMut2::from_shape((rows, columns).strides(strides(rows, columns, stride)), values) {
        Ok(matrix) => matrix,
        Err(error) => outside(rows, columns, stride, len, &error),
    }
}

/// Strides of rows and columns. ndarray refuses the strides of an empty matrix that its slice does not hold: they are 0.
fn strides(rows: usize, columns: usize, stride: usize) -> (usize, usize) {
    if rows == 0 || columns == 0 { (0, 0) } else { (stride, 1) }
}

#[allow(clippy::panic)]
#[cold]
fn outside(rows: usize, columns: usize, stride: usize, len: usize, error: &ndarray::ShapeError) -> ! {
    panic!("a matrix of {rows} x {columns}, rows {stride} apart, does not fit a slice of {len} values: {error}")
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, s};

    use super::*;
    use crate::testing::values;

    /// By the definition, in f64.
    fn expected(out: &Array2<f32>, add: bool, factor: f32, lhs: ArrayView2<f32>, rhs: ArrayView2<f32>) -> Array2<f64> {
        let product = lhs.mapv(f64::from).dot(&rhs.mapv(f64::from)) * f64::from(factor);
        if add { out.mapv(f64::from) + product } else { product }
    }

    fn random(rows: usize, columns: usize, seed: u32) -> Array2<f32> {
        Array2::from_shape_vec((rows, columns), values(rows * columns, seed)).unwrap()
    }

    #[test]
    fn products_with_any_strides_equal_the_definition() {
        for (m, k, n) in [(1, 1, 1), (5, 7, 3), (65, 64, 65), (3, 0, 4), (0, 2, 3), (2, 3, 0), (17, 33, 1)] {
            let (wide, tall) = (random(2 * m, k + 3, 1), random(n, 2 * k, 2));
            // Every second row backwards, and a transposed matrix of every second column.
            let (lhs, rhs) = (wide.slice(s![..;-2, 1..k + 1]), tall.slice(s![.., ..;2]));
            let rhs = rhs.t();
            for (add, factor, threads) in [(true, -0.5, Threads::Pool), (false, 1.0, Threads::Caller)] {
                let before = random(m, n + 2, 3);
                let mut found = before.clone();
                scaled_product(found.slice_mut(s![.., ..n]), add, factor, lhs, rhs, threads);
                let expected = expected(&before.slice(s![.., ..n]).to_owned(), add, factor, lhs, rhs);
                let off = (&found.slice(s![.., ..n]).mapv(f64::from) - &expected).mapv(f64::abs);
                assert!(off.iter().all(|off| *off < 1e-4), "{m} x {k} x {n}");
                assert_eq!(found.slice(s![.., n..]), before.slice(s![.., n..]));
            }
        }
    }

    #[test]
    fn doubles_are_multiplied_in_double_precision() {
        let (lhs, rhs) = (random(9, 11, 1).mapv(f64::from), random(11, 5, 2).mapv(f64::from));
        let mut found = Array2::zeros((9, 5));
        product(found.view_mut(), false, lhs.view(), rhs.view());
        assert!((found - lhs.dot(&rhs)).iter().all(|off| off.abs() < 1e-14));
    }

    #[test]
    fn the_bits_do_not_depend_on_the_number_of_threads() {
        let (lhs, rhs) = (random(300, 1030, 4), random(1030, 210, 5));
        let on = |count: usize, threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(count).build().unwrap();
            let mut out = Array2::zeros((300, 210));
            pool.install(|| scaled_product(out.view_mut(), false, 1.0, lhs.view(), rhs.view(), threads));
            out
        };
        let alone = on(1, Threads::Caller);
        for count in [1, 2, 3, 5] {
            assert_eq!(on(count, Threads::Pool), alone);
        }
    }

    #[test]
    fn matrices_of_slices_lie_where_they_are_said_to() {
        let mut values: Vec<i32> = (0..11).collect();
        assert_eq!(matrix(&values[1..], 2, 3, 4), ndarray::array![[1, 2, 3], [5, 6, 7]]);
        matrix_mut(&mut values, 3, 2, 4).fill(-1);
        assert_eq!(values, [-1, -1, 2, 3, -1, -1, 6, 7, -1, -1, 10]);
        assert_eq!(matrix::<i32>(&[], 0, 5, 5).dim(), (0, 5));
        assert_eq!(matrix::<i32>(&[], 3, 0, 0).dim(), (3, 0));
    }

    #[test]
    #[should_panic(expected = "does not fit a slice of 10 values")]
    fn a_matrix_that_leaves_its_slice_is_refused() {
        matrix(&[0; 10], 3, 3, 4);
    }

    #[test]
    #[should_panic(expected = "does not fit")]
    fn overlapping_rows_are_not_written() {
        matrix_mut(&mut [0; 10], 3, 3, 2);
    }

    #[test]
    #[should_panic(expected = "product of")]
    fn shapes_that_do_not_fit_are_refused() {
        product(Array2::<f32>::zeros((2, 2)).view_mut(), false, random(2, 3, 1).view(), random(2, 2, 1).view());
    }
}
