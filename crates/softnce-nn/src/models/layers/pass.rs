//! Evaluation or training, with what training draws and finds.

use burn::tensor::{Tensor, TensorData};
use chacha20::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use crate::models::running::{BatchStatistics, RunningUpdates};

/// How a forward pass is meant.
#[derive(Debug)]
pub(crate) enum Pass {
    /// Running statistics, every branch kept.
    Evaluation,
    /// Batch statistics, branches dropped.
    Training {
        /// Draws the masks, one branch after another.
        masks: Box<ChaCha8Rng>,
        /// Collects the batch statistics.
        updates: RunningUpdates,
    },
}

impl Pass {
    pub(crate) fn training(seed: u64) -> Pass {
        Pass::Training { masks: Box::new(ChaCha8Rng::seed_from_u64(seed)), updates: RunningUpdates::default() }
    }

    /// What a training pass collected.
    pub(crate) fn into_updates(self) -> RunningUpdates {
        match self {
            Pass::Evaluation => RunningUpdates::default(),
            Pass::Training { updates, .. } => updates,
        }
    }

    pub(super) fn collect(&mut self, statistics: BatchStatistics) {
        if let Pass::Training { updates, .. } = self {
            updates.batches.push(statistics);
        }
    }

    /// Stochastic depth (Huang et al., arXiv 1603.09382): in training each sample's branch is dropped with probability
    /// `rate`, the others are scaled by `1 / (1 - rate)`.
    ///
    /// # Shapes
    /// `branch` `[N, L, D]`, the result the same.
    pub(crate) fn drop_path(&mut self, branch: Tensor<3>, rate: f64) -> Tensor<3> {
        let Pass::Training { masks, .. } = self else { return branch };
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
    fn branches_are_dropped_as_often_as_told_and_keep_their_mean() {
        let branch = Tensor::<3>::ones([4000, 1, 1], &Device::flex());
        let values = Pass::training(3).drop_path(branch.clone(), 0.25).try_to_vec_as::<f32>().unwrap();
        assert!(values.iter().all(|&value| value == 0.0 || (value - 1.0 / 0.75).abs() < 1e-6));
        // Standard deviation of the mean: sqrt(0.25 / 0.75 / 4000) = 0.009.
        let mean = values.iter().sum::<f32>() / 4000.0;
        assert!((mean - 1.0).abs() < 0.04, "{mean}");
        let kept = Pass::Evaluation.drop_path(branch, 0.25).try_to_vec_as::<f32>().unwrap();
        assert!(kept.iter().all(|&value| value == 1.0));
    }
}
