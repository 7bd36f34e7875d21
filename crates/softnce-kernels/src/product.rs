//! Matrix products, by the crate `gemm`.

use gemm::Parallelism;
use ndarray::{ArrayView2, ArrayViewMut2};

use crate::simd::SimdFloat;

/// `out <- lhs rhs`, or `out <- out + lhs rhs`, on the threads of rayon's current pool.
///
/// Each entry's sum is taken in an order that does not depend on the number of threads.
///
/// # Shapes
/// `[m, n]`, `[m, k]`, `[k, n]`
#[allow(unsafe_code)]
pub fn product<A: SimdFloat>(mut out: ArrayViewMut2<'_, A>, add: bool, lhs: ArrayView2<'_, A>, rhs: ArrayView2<'_, A>) {
    let ((m, n), (rows, k)) = (out.dim(), lhs.dim());
    assert!(rows == m && rhs.dim() == (k, n), "product of {:?} and {:?} into {:?}", lhs.dim(), rhs.dim(), out.dim());
    let threads = rayon::current_num_threads();
    let parallelism = if threads > 1 { Parallelism::Rayon(threads) } else { Parallelism::None };
    let (out_strides, lhs_strides, rhs_strides) =
        (strides(out.strides()), strides(lhs.strides()), strides(rhs.strides()));
    // SAFETY: the pointers and strides are those of views that are alive here and have the shapes that are passed, and
    // `out` is borrowed for writing, so that it overlaps neither of the others.
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
            A::one(),
            false,
            false,
            false,
            parallelism,
        );
    }
}

/// Row and column stride.
fn strides(strides: &[isize]) -> (isize, isize) {
    (strides[0], strides[1])
}
