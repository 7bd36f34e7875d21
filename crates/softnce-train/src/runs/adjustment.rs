//! Logit adjustment: the class frequencies, added to the logits in training.

use burn::tensor::{Device, Tensor, TensorData};

use crate::recipe::LossSection;

/// What is added to every row of logits before the loss: the temperature times `logit_adjustment` times the logarithm
/// of the class frequencies (Menon et al., arXiv 2007.07314, equation 10), so that the posterior at the temperature is
/// shifted by the latter. Shape `[classes]`; none where nothing is added. A class without a picture counts as if it had
/// one.
pub(super) fn adjustment(loss: &LossSection, class_counts: &[u64]) -> Option<Vec<f32>> {
    if loss.logit_adjustment == 0.0 || loss.kind.is_contrastive() {
        return None;
    }
    let total: f64 = class_counts.iter().map(|&count| count.max(1) as f64).sum();
    let log_share = |&count: &u64| (count.max(1) as f64 / total).ln();
    Some(
        class_counts.iter().map(|count| (loss.temperature * loss.logit_adjustment * log_share(count)) as f32).collect(),
    )
}

/// Logits with that added.
pub(super) fn adjusted(logits: Tensor<2>, adjustment: Option<&[f32]>, device: &Device) -> Tensor<2> {
    match adjustment {
        None => logits,
        Some(values) => {
            let row = TensorData::new(values.to_vec(), [1, values.len()]);
            logits + Tensor::from_data(row, device)
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use softnce::LossKind;

    use super::*;
    use crate::recipe::Recipe;

    #[test]
    fn the_frequencies_are_added_at_the_temperature() {
        let mut loss = Recipe::read("digits", &[]).unwrap().loss;
        loss.kind = LossKind::SoftTargetCrossEntropy;
        assert_eq!(adjustment(&loss, &[30, 10, 0]), None);
        (loss.temperature, loss.logit_adjustment) = (2.0, 0.5);
        // import numpy as np; np.log(np.array([30, 10, 1]) / 41)
        let expected = [-0.312_374_7_f32, -1.410_987, -3.713_572];
        let found = adjustment(&loss, &[30, 10, 0]).unwrap();
        assert!(found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-6), "{found:?}");
        loss.kind = LossKind::InfoNce;
        assert_eq!(adjustment(&loss, &[30, 10, 0]), None);
    }
}
