//! What a recipe says of the optimiser.

use serde::{Deserialize, Serialize};

/// Which update rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OptimizerKind {
    /// Adam with decoupled weight decay (Loshchilov and Hutter, arXiv 1711.05101).
    Adamw,
    /// Stochastic gradient descent with momentum; its weight decay is an L2 penalty, as PyTorch's.
    Sgd,
}

/// The optimiser and its learning rate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OptimizerConfig {
    /// Update rule.
    pub kind: OptimizerKind,
    /// Learning rate after the warm-up. Either this or `base_learning_rate`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub learning_rate: Option<f64>,
    /// The same for 256 samples an optimiser step, scaled in proportion to the samples that a step really takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_learning_rate: Option<f64>,
    /// Weight decay; biases, norms, position embeddings and the class token are exempt.
    pub weight_decay: f64,
    /// Factor of the learning rate from each layer to the one before it, in `(0, 1]`; 1 for the same everywhere.
    pub layer_decay: f64,
    /// AdamW's decay rates of the first and the second moment.
    pub betas: [f64; 2],
    /// AdamW's epsilon.
    pub epsilon: f64,
    /// Momentum of SGD.
    pub momentum: f64,
    /// Whether SGD's momentum is Nesterov's.
    pub nesterov: bool,
    /// Largest norm of the gradient over all parameters together; none for no clipping.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clip_norm: Option<f64>,
    /// Decay of the averaged weights at each step; none for no averaging.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub average: Option<f64>,
}

impl Default for OptimizerConfig {
    fn default() -> Self {
        OptimizerConfig {
            kind: OptimizerKind::Adamw,
            learning_rate: None,
            base_learning_rate: None,
            weight_decay: 0.05,
            layer_decay: 1.0,
            betas: [0.9, 0.999],
            epsilon: 1e-8,
            momentum: 0.9,
            nesterov: false,
            clip_norm: None,
            average: None,
        }
    }
}

impl OptimizerConfig {
    /// The learning rate after the warm-up, for this many samples a step; `None` unless exactly one of the two rates is
    /// given.
    pub fn peak(&self, samples: usize) -> Option<f64> {
        match (self.learning_rate, self.base_learning_rate) {
            (Some(rate), None) => Some(rate),
            (None, Some(base)) => Some(base * samples as f64 / 256.0),
            _ => None,
        }
    }

    /// The first setting out of its range: its name, its value and what was expected.
    pub fn refused(&self) -> Option<(&'static str, String, &'static str)> {
        let share = |value: f64| (0.0..1.0).contains(&value);
        let rates = [self.learning_rate, self.base_learning_rate];
        if rates.iter().flatten().count() != 1 {
            let shown = |rate: Option<f64>| rate.map_or_else(|| "not set".to_owned(), |rate| rate.to_string());
            let base = shown(self.base_learning_rate);
            let found = format!("{} and optimizer.base_learning_rate is {base}", shown(self.learning_rate));
            return Some(("optimizer.learning_rate", found, "exactly one of the two"));
        }
        let above = |value: f64| value > 0.0 && value.is_finite();
        let checks = [
            ("optimizer.learning_rate", self.learning_rate, above as fn(f64) -> bool, "a finite number above 0"),
            ("optimizer.base_learning_rate", self.base_learning_rate, above, "a finite number above 0"),
            (
                "optimizer.weight_decay",
                Some(self.weight_decay),
                |value| value >= 0.0 && value.is_finite(),
                "a finite number not below 0",
            ),
            (
                "optimizer.layer_decay",
                Some(self.layer_decay),
                |value| value > 0.0 && value <= 1.0,
                "above 0, at most 1",
            ),
            ("optimizer.betas[0]", Some(self.betas[0]), share, "a number from 0, below 1"),
            ("optimizer.betas[1]", Some(self.betas[1]), share, "a number from 0, below 1"),
            // Below it, f32 takes it for 0 and a gradient of 0 divides by 0.
            ("optimizer.epsilon", Some(self.epsilon), |value| value >= 1e-30 && value.is_finite(), "at least 1e-30"),
            ("optimizer.momentum", Some(self.momentum), share, "a number from 0, below 1"),
            ("optimizer.clip_norm", self.clip_norm, above, "a finite number above 0"),
            ("optimizer.average", self.average, share, "a number from 0, below 1"),
        ];
        let refused = checks.into_iter().find(|(_, value, accepts, _)| value.is_some_and(|value| !accepts(value)));
        refused.map(|(name, value, _, expected)| (name, value.unwrap_or_default().to_string(), expected))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_for_256_samples_is_scaled_to_those_of_a_step() {
        let base = OptimizerConfig { base_learning_rate: Some(5.5e-4), ..Default::default() };
        assert_eq!(base.peak(1024), Some(5.5e-4 * 4.0));
        assert_eq!(base.refused(), None);
        let both = OptimizerConfig { learning_rate: Some(1.0), ..base };
        assert_eq!(both.peak(256), None);
        assert!(both.refused().is_some());
        assert!(OptimizerConfig::default().refused().is_some());
    }

    #[test]
    fn values_out_of_range_are_named() {
        let good = OptimizerConfig { learning_rate: Some(0.1), ..Default::default() };
        for (config, name) in [
            (OptimizerConfig { learning_rate: Some(f64::NAN), ..good.clone() }, "optimizer.learning_rate"),
            (OptimizerConfig { weight_decay: -1.0, ..good.clone() }, "optimizer.weight_decay"),
            (OptimizerConfig { layer_decay: 0.0, ..good.clone() }, "optimizer.layer_decay"),
            (OptimizerConfig { betas: [0.9, 1.0], ..good.clone() }, "optimizer.betas[1]"),
            (OptimizerConfig { epsilon: 0.0, ..good.clone() }, "optimizer.epsilon"),
            (OptimizerConfig { momentum: 1.0, ..good.clone() }, "optimizer.momentum"),
            (OptimizerConfig { clip_norm: Some(0.0), ..good.clone() }, "optimizer.clip_norm"),
            (OptimizerConfig { average: Some(1.0), ..good.clone() }, "optimizer.average"),
        ] {
            assert_eq!(config.refused().map(|refused| refused.0), Some(name));
        }
    }
}
