//! The two matrix products behind dense targets, and nothing else.

use ndarray::{Array2, ArrayView2};
use softnce_kernels::product::product;

use super::output::{Kept, Output};
use crate::BenchError;

/// `S W^T` and `P W`, by the shapes `[N, d]` of the logits S, `[M, d]` of the targets W and `[N, M]` of the
/// probabilities P. The first product stands for P: its values do not change what the second one costs.
pub(super) fn products(
    logits: ArrayView2<'_, f32>,
    targets: ArrayView2<'_, f32>,
    kept: &mut Kept,
) -> Result<Output, BenchError> {
    let new = |columns: usize| Array2::zeros((logits.nrows(), columns));
    let both = |scores: &mut Array2<f32>, weighed: &mut Array2<f32>| {
        product(scores.view_mut(), false, logits, targets.t());
        product(weighed.view_mut(), false, scores.view(), targets);
    };
    if let Kept { gradient: Some(weighed), scores: Some(scores) } = kept {
        both(scores, weighed);
        return Ok(Output::Kept(None));
    }
    let (mut scores, mut weighed) = (new(targets.nrows()), new(targets.ncols()));
    both(&mut scores, &mut weighed);
    Ok(Output::Products(scores, weighed))
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;
    use crate::{Case, Path};

    #[test]
    fn the_products_are_those_of_ndarray() {
        let (left, right) = (array![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], array![[1.0, 0.0, 2.0], [0.5, 1.0, 0.0]]);
        let case = Case::loss(2, 2, 3).unwrap();
        let mut kept = Kept::new(case, &[Path::Products], true);
        let Output::Products(scores, weighed) = products(left.view(), right.view(), &mut kept).unwrap() else {
            panic!("no products")
        };
        assert_eq!(scores, left.dot(&right.t()));
        assert_eq!(weighed, scores.dot(&right));
        // The same in memory that is kept.
        let mut kept = Kept::new(case, &[Path::Products], false);
        products(left.view(), right.view(), &mut kept).unwrap();
        assert_eq!((kept.scores, kept.gradient), (Some(scores), Some(weighed)));
    }
}
