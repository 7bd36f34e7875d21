//! The optimisers, one per kind: how each is built from a recipe, and what it keeps per parameter.

use burn::optim::decay::WeightDecayConfig;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{AdamW, AdamWConfig, Sgd, SgdConfig};

use super::{OptimizerConfig, OptimizerKind};

impl OptimizerConfig {
    /// Number of values that the optimiser keeps for each parameter: two moments, or one velocity.
    pub fn states(&self) -> usize {
        match self.kind {
            OptimizerKind::Adamw => 2,
            OptimizerKind::Sgd => usize::from(self.momentum > 0.0),
        }
    }
}

/// AdamW; `decays`: whether its weight decay acts.
pub(crate) fn adamw(config: &OptimizerConfig, decays: bool) -> AdamW {
    AdamWConfig::new()
        .with_beta_1(config.betas[0] as f32)
        .with_beta_2(config.betas[1] as f32)
        .with_epsilon(config.epsilon as f32)
        .with_weight_decay(if decays { config.weight_decay as f32 } else { 0.0 })
        .build()
}

/// Stochastic gradient descent; `decays`: whether its weight decay acts.
pub(super) fn sgd(config: &OptimizerConfig, decays: bool) -> Sgd {
    // Burn dampens the gradient by default, PyTorch does not.
    let momentum = MomentumConfig::new().with_momentum(config.momentum).with_dampening(0.0);
    let momentum = (config.momentum > 0.0).then(|| momentum.with_nesterov(config.nesterov));
    let decay = (decays && config.weight_decay > 0.0).then(|| WeightDecayConfig::new(config.weight_decay as f32));
    SgdConfig::new().with_weight_decay(decay).with_momentum(momentum).build()
}
