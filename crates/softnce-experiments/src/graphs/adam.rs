//! Burn's Adam (Kingma and Ba, arXiv 1412.6980) on one matrix.

use burn::optim::decay::WeightDecayConfig;
use burn::optim::{self, AdamConfig, AdamState, Optimizer};
use burn::tensor::Device;
use ndarray::Array2;

use crate::StudyError;
use crate::tensors::{matrix, tensor};

/// The optimiser of one matrix, with the moments of its gradients.
pub(crate) struct Adam {
    update: optim::Adam,
    state: Option<AdamState<2>>,
    device: Device,
}

impl Adam {
    /// An optimiser with this L2 penalty, and PyTorch's betas and epsilon.
    pub(crate) fn new(decay: f64) -> Self {
        let decay = (decay > 0.0).then(|| WeightDecayConfig::new(decay as f32));
        let update = AdamConfig::new().with_epsilon(1e-8).with_weight_decay(decay).build();
        Adam { update, state: None, device: Device::flex() }
    }

    /// The weights after one step along a gradient of their shape.
    ///
    /// # Errors
    /// [`StudyError::Read`] if the weights cannot be read back.
    pub(crate) fn step(
        &mut self,
        weights: Array2<f32>,
        gradient: Array2<f32>,
        rate: f64,
    ) -> Result<Array2<f32>, StudyError> {
        let (weights, gradient) = (tensor(weights, &self.device), tensor(gradient, &self.device));
        let (weights, state) = self.update.step(rate, weights, gradient, self.state.take());
        self.state = state;
        matrix(weights)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    // w = torch.tensor([[1., -2.]], requires_grad=True); o = torch.optim.Adam([w], lr=0.1, weight_decay=0.5)
    // for g in ([[0.5, 1.0]], [[-1.0, 3.0]], [[0.0, 0.25]]): w.grad = torch.tensor(g); o.step()
    #[test]
    fn steps_equal_pytorch() {
        let (mut weights, mut adam) = (ndarray::array![[1.0, -2.0]], Adam::new(0.5));
        for gradient in [[0.5, 1.0], [-1.0, 3.0], [0.0, 0.25]] {
            weights = adam.step(weights, ndarray::array![gradient], 0.1).unwrap();
        }
        for (found, expected) in weights.iter().zip(EXPECTED) {
            assert!((found - expected).abs() < 1e-6, "{weights}");
        }
    }

    const EXPECTED: [f32; 2] = [0.837_766_3, -2.104_528_4];
}
