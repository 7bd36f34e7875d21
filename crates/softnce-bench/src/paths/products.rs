//! The two matrix products behind dense targets, and nothing else.

use gemm::Parallelism;
use ndarray::{Array2, ArrayView2};

use super::Output;

/// `S W^T` and `P W`, by the shapes `[N, d]` of the logits S, `[M, d]` of the targets W and `[N, M]` of the
/// probabilities P. The first product stands for P: its values do not change what the second one costs.
pub(super) fn products(logits: ArrayView2<'_, f32>, targets: ArrayView2<'_, f32>) -> Output {
    let scores = product(logits, targets.t());
    let weighed = product(scores.view(), targets);
    Output::Products(scores, weighed)
}

/// A product on the threads of rayon's current pool.
///
/// # Panics
/// Where the inner extents differ, which they never do here.
#[allow(unsafe_code)]
fn product(lhs: ArrayView2<'_, f32>, rhs: ArrayView2<'_, f32>) -> Array2<f32> {
    let ((m, k), (inner, n)) = (lhs.dim(), rhs.dim());
    assert_eq!(k, inner, "inner extents of a product");
    let mut out = Array2::zeros((m, n));
    let threads = rayon::current_num_threads();
    let parallelism = if threads > 1 { Parallelism::Rayon(threads) } else { Parallelism::None };
    let out_strides = [out.strides()[0], out.strides()[1]];
    let (lhs_strides, rhs_strides) = (lhs.strides(), rhs.strides());
    // SAFETY: pointers, extents and strides are those of arrays that are alive here, k is the inner extent of both
    // factors, and `out` is new memory, so that it overlaps neither of them.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            out.as_mut_ptr(),
            out_strides[1],
            out_strides[0],
            false,
            lhs.as_ptr(),
            lhs_strides[1],
            lhs_strides[0],
            rhs.as_ptr(),
            rhs_strides[1],
            rhs_strides[0],
            0.0,
            1.0,
            false,
            false,
            false,
            parallelism,
        );
    }
    out
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn the_products_are_those_of_ndarray() {
        let (left, right) = (array![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], array![[1.0, 0.0, 2.0], [0.5, 1.0, 0.0]]);
        let Output::Products(scores, weighed) = products(left.view(), right.view()) else { panic!("no products") };
        assert_eq!(scores, left.dot(&right.t()));
        assert_eq!(weighed, scores.dot(&right));
    }
}
