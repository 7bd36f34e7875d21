//! A forward pass in evaluation or training.

use burn::tensor::{Tensor, TensorData};
use chacha20::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use crate::models::running::{BatchStatistics, RunningUpdates};

/// The mode of a forward pass.
#[derive(Debug)]
pub(crate) enum ForwardPass {
    /// Running statistics; no branch is dropped.
    Evaluation,
    /// Statistics of the batch; branches are dropped.
    Training {
        /// Draws the masks of the branches, in their order.
        masks: Box<ChaCha8Rng>,
        /// Collects the batch statistics.
        updates: RunningUpdates,
    },
}

impl ForwardPass {
    pub(crate) fn training(seed: u64) -> ForwardPass {
        ForwardPass::Training { masks: Box::new(ChaCha8Rng::seed_from_u64(seed)), updates: RunningUpdates::default() }
    }

    /// The batch statistics of a training pass.
    pub(crate) fn into_updates(self) -> RunningUpdates {
        match self {
            ForwardPass::Evaluation => RunningUpdates::default(),
            ForwardPass::Training { updates, .. } => updates,
        }
    }

    pub(super) fn collect(&mut self, statistics: BatchStatistics) {
        if let ForwardPass::Training { updates, .. } = self {
            updates.batches.push(statistics);
        }
    }

    /// Stochastic depth (Huang et al., arXiv 1603.09382): training drops the branch of each sample with probability
    /// `rate` and scales the others by `1 / (1 - rate)`.
    ///
    /// # Shapes
    /// `branch` `[N, L, D]`, the result the same.
    pub(crate) fn drop_path(&mut self, branch: Tensor<3>, rate: f64) -> Tensor<3> {
        let ForwardPass::Training { masks, .. } = self else { return branch };
        if rate <= 0.0 {
            return branch;
        }
        let (rows, keep) = (branch.dims()[0], 1.0 - rate);
        let mask: Vec<f32> =
            (0..rows).map(|_| if masks.random::<f64>() < keep { (1.0 / keep) as f32 } else { 0.0 }).collect();
        let mask = Tensor::from_data(TensorData::new(mask, [rows, 1, 1]), &branch.device());
        branch * mask
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    #[test]
    fn branches_are_dropped_at_their_rate_and_keep_their_mean() {
        let branch = Tensor::<3>::ones([4000, 1, 1], &Device::flex());
        let values = ForwardPass::training(3).drop_path(branch.clone(), 0.25).try_to_vec_as::<f32>().unwrap();
        assert!(values.iter().all(|&value| value == 0.0 || (value - 1.0 / 0.75).abs() < 1e-6));
        // Standard deviation of the mean: sqrt(0.25 / 0.75 / 4000) = 0.009.
        let mean = values.iter().sum::<f32>() / 4000.0;
        assert!((mean - 1.0).abs() < 0.04, "{mean}");
        let kept = ForwardPass::Evaluation.drop_path(branch, 0.25).try_to_vec_as::<f32>().unwrap();
        assert!(kept.iter().all(|&value| value == 1.0));
    }
}
