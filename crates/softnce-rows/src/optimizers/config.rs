//! Which optimiser, and its settings.

use serde::{Deserialize, Serialize};

use crate::RowsError;

/// Which optimiser, and its settings.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum RowOptimizerConfig {
    /// Stochastic gradient descent with momentum; its weight decay is an L2 penalty, as PyTorch's.
    Sgd {
        /// In `[0, 1)`.
        #[serde(default)]
        momentum: f64,
        /// Whether the momentum is Nesterov's.
        #[serde(default)]
        nesterov: bool,
        /// Factor of the L2 penalty.
        #[serde(default)]
        weight_decay: f64,
    },
    /// Adam with decoupled weight decay (Loshchilov and Hutter, arXiv 1711.05101).
    Adamw {
        /// Decay rates of the first and the second moment, each in `[0, 1)`.
        #[serde(default = "betas")]
        betas: [f64; 2],
        /// Added to the square root of the second moment; above 0.
        #[serde(default = "epsilon")]
        epsilon: f64,
        /// The rate times this is taken off each weight in each step.
        #[serde(default)]
        weight_decay: f64,
    },
    /// Adagrad (Duchi, Hazan and Singer 2011) with one sum for each row, of the means of its squared gradients; the weight
    /// decay is decoupled.
    Adagrad {
        /// Added to the square root of the sum; above 0.
        #[serde(default = "adagrad_epsilon")]
        epsilon: f64,
        /// The rate times this is taken off each weight in each step.
        #[serde(default)]
        weight_decay: f64,
    },
}

fn betas() -> [f64; 2] {
    [0.9, 0.999]
}

fn epsilon() -> f64 {
    1e-8
}

fn adagrad_epsilon() -> f64 {
    1e-10
}

impl Default for RowOptimizerConfig {
    fn default() -> Self {
        RowOptimizerConfig::Adamw { betas: betas(), epsilon: epsilon(), weight_decay: 0.0 }
    }
}

impl RowOptimizerConfig {
    pub(super) fn decay(&self) -> f64 {
        match *self {
            RowOptimizerConfig::Sgd { weight_decay, .. }
            | RowOptimizerConfig::Adamw { weight_decay, .. }
            | RowOptimizerConfig::Adagrad { weight_decay, .. } => weight_decay,
        }
    }

    /// The same without weight decay, as for biases.
    pub fn without_decay(mut self) -> Self {
        match &mut self {
            RowOptimizerConfig::Sgd { weight_decay, .. }
            | RowOptimizerConfig::Adamw { weight_decay, .. }
            | RowOptimizerConfig::Adagrad { weight_decay, .. } => *weight_decay = 0.0,
        }
        self
    }

    /// Refuses the first setting out of its range.
    ///
    /// # Errors
    /// Its name, its value, and what was expected.
    pub fn check(&self) -> Result<(), RowsError> {
        let share = |argument, value: f64| match (0.0..1.0).contains(&value) {
            true => Ok(()),
            false => Err(RowsError::argument(argument, value, "at least 0, below 1")),
        };
        let above = |argument, value: f64| match value > 0.0 && value.is_finite() {
            true => Ok(()),
            false => Err(RowsError::argument(argument, value, "a finite number above 0")),
        };
        match *self {
            RowOptimizerConfig::Sgd { momentum, nesterov, .. } => {
                share("momentum", momentum)?;
                if nesterov && momentum == 0.0 {
                    return Err(RowsError::argument("nesterov", true, "a momentum above 0 with it"));
                }
            }
            RowOptimizerConfig::Adamw { betas, epsilon, .. } => {
                betas.into_iter().try_for_each(|beta| share("betas", beta))?;
                above("epsilon", epsilon)?;
            }
            RowOptimizerConfig::Adagrad { epsilon, .. } => above("epsilon", epsilon)?,
        }
        let decay = self.decay();
        if !(decay >= 0.0 && decay.is_finite()) {
            return Err(RowsError::argument("weight_decay", decay, "a finite number not below 0"));
        }
        Ok(())
    }
}
