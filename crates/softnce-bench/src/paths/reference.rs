//! Soft target InfoNCE by the paper's reference algorithm, written plainly.

use ndarray::{Array2, Array3, ArrayView2, ArrayViewMut2, Axis, Zip};
use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};
use softnce::{LossAndGradient, LossValue};

use super::output::Output;

/// The loss and its gradient through an `N x M x d` tensor, under uniform noise, temperature 1 and the mean.
///
/// The scores are `S = Z - log eta`. The tensor takes the products `S_ik W_jk`, whose sums over k are the logits of
/// the M candidates; those go through log-softmax, and row i's loss is minus its entry i. Backwards the same tensor
/// takes the products of their gradient with `W_jk`, whose sums over j are the gradient. Each pass over the tensor
/// runs on all threads, as it would in a framework.
pub(super) fn reference(logits: ArrayView2<'_, f32>, targets: ArrayView2<'_, f32>) -> Output {
    let ((rows, classes), candidates) = (logits.dim(), targets.nrows());
    let scores = logits.mapv(|logit| logit + (classes as f32).ln());
    let mut products = Array3::zeros((rows, candidates, classes));
    each_row(&mut products, |row, mut products| {
        let scores = scores.row(row);
        Zip::from(&mut products).and(targets).and_broadcast(scores).for_each(|product, w, s| *product = w * s);
    });
    let mut sums = Array2::zeros((rows, candidates));
    let summed: Vec<_> = sums.outer_iter_mut().zip(products.outer_iter()).collect();
    summed.into_par_iter().for_each(|(mut sums, products)| {
        sums.iter_mut().zip(products.outer_iter()).for_each(|(sum, products)| *sum = products.sum());
    });

    let mut loss = 0.0;
    let mut gradient_of_sums = sums;
    for (row, mut sums) in gradient_of_sums.outer_iter_mut().enumerate() {
        let largest = sums.fold(f32::NEG_INFINITY, |largest, sum| largest.max(*sum));
        let own = sums[row] - largest;
        sums.mapv_inplace(|sum| (sum - largest).exp());
        let total = sums.sum();
        loss += (total.ln() - own) / rows as f32;
        sums /= total;
        sums[row] -= 1.0;
        sums /= rows as f32;
    }

    each_row(&mut products, |row, mut products| {
        let gradient = gradient_of_sums.row(row).insert_axis(Axis(1));
        Zip::from(&mut products).and(targets).and_broadcast(gradient).for_each(|product, w, g| *product = w * g);
    });
    let mut gradient = Array2::zeros((rows, classes));
    let summed: Vec<_> = gradient.outer_iter_mut().zip(products.outer_iter()).collect();
    summed.into_par_iter().for_each(|(mut gradient, products)| {
        products.outer_iter().for_each(|products| gradient += &products);
    });
    let value = LossValue::Scalar(loss);
    Output::Loss(LossAndGradient { value, logits_gradient: gradient, temperature_gradient: None })
}

/// Fills the tensor row by row.
fn each_row(tensor: &mut Array3<f32>, fill: impl Fn(usize, ArrayViewMut2<'_, f32>) + Sync) {
    let rows: Vec<_> = tensor.outer_iter_mut().collect();
    rows.into_par_iter().enumerate().for_each(|(row, products)| fill(row, products));
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::super::Kept;
    use super::*;
    use crate::{Case, Path};

    #[test]
    fn two_candidates_worked_out_by_hand() {
        // The candidates' logits are (1, 0) and (0, 1), so that each row's loss is log(1 + 1 / e).
        let identity = array![[1.0_f32, 0.0], [0.0, 1.0]];
        let output = reference(identity.view(), identity.view());
        assert!((output.loss().unwrap() - (1.0 + (-1.0f64).exp()).ln()).abs() < 1e-6);
        // softmax([1, 0])[1] / 2, towards the other candidate.
        let step = 0.5 / (1.0 + 1.0f32.exp());
        let expected = array![[-step, step], [step, -step]];
        let kept = Kept::new(Case::loss(2, 2, 2).unwrap(), &[Path::Reference], true);
        let gradient = output.logits_gradient(&kept).unwrap();
        assert!(gradient.iter().zip(&expected).all(|(found, expected)| (found - expected).abs() < 1e-6), "{gradient}");
    }
}
