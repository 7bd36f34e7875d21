//! Why a training run failed.

use crate::data::DataError;
use crate::metrics::MetricError;
use crate::mixing::MixingError;
use crate::stats::StatsError;

/// Why a training run failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// A setting was refused before the first step.
    #[error("{argument} is {value}, expected {expected}")]
    Setting {
        /// Name of the setting.
        argument: &'static str,
        /// Value that came.
        value: String,
        /// Range that was expected, in words.
        expected: &'static str,
    },
    /// The loss refused its input; once training is under way, because the weights have diverged.
    #[error("epoch {epoch}, step {step}: {source}")]
    Loss {
        /// Number of the epoch, from 1.
        epoch: usize,
        /// Number of the step within it, from 1.
        step: usize,
        /// What the loss refused.
        source: softnce_burn::Error,
    },
    /// The loss could not be built.
    #[error(transparent)]
    Build(#[from] softnce_burn::Error),
    /// The noise distribution or a target was refused.
    #[error(transparent)]
    Targets(#[from] softnce::Error),
    /// The data was refused.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The pictures could not be mixed.
    #[error(transparent)]
    Mixing(#[from] MixingError),
    /// The predictions could not be evaluated; with logits that are not finite, because the weights have diverged.
    #[error(transparent)]
    Metric(#[from] MetricError),
    /// The times could not be summarised.
    #[error(transparent)]
    Stats(#[from] StatsError),
    /// A tensor could not be read from its device.
    #[error("{what} could not be read from the device: {reason}")]
    Read {
        /// What was to be read.
        what: &'static str,
        /// What the device said.
        reason: String,
    },
}

impl TrainError {
    /// Whether the run failed because its weights diverged, rather than because of what it was given.
    pub fn is_divergence(&self) -> bool {
        use softnce::Error::{NonFinite, ScoreOverflow};
        match self {
            TrainError::Loss { source: softnce_burn::Error::Loss(error), .. } => {
                matches!(error, NonFinite { argument: "logits", .. } | ScoreOverflow { .. })
            }
            TrainError::Metric(error) => matches!(error, MetricError::NonFiniteLogit { .. }),
            _ => false,
        }
    }
}
