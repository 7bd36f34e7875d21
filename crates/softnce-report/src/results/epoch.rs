//! What is recorded of each epoch of a run.

use serde::{Deserialize, Serialize};
use softnce_metrics::ValidationScore;

/// One epoch of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// Number of the epoch, from 1.
    pub epoch: usize,
    /// Mean training loss over the epoch's pictures. Losses of different kinds do not compare.
    pub train_loss: f64,
    /// Share of the training pictures, as augmented and mixed, whose own class was the most probable.
    pub train_top1: f64,
    /// Learning rate of the epoch's last step, of the layer nearest the output.
    pub learning_rate: f64,
    /// The validation pictures after it; `None` if the epoch was not validated.
    pub validation: Option<ValidationPoint>,
    /// Training pictures a second, without the validation.
    pub samples_per_second: f64,
    /// Share of the epoch's training time spent waiting for pictures; 0 in `metrics.json` of older versions.
    #[serde(default)]
    pub waited: f64,
    /// Wall time since the run began, without interruptions, in seconds; 0 in `metrics.json` of older versions.
    #[serde(default)]
    pub seconds: f64,
}

/// The validation split after an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ValidationPoint {
    /// Accuracy, in `[0, 1]`.
    pub top1: f64,
    /// Share of the pictures whose class is among the five most probable, in `[0, 1]`.
    pub top5: f64,
    /// Negative log likelihood, in nats.
    pub nll: f64,
}

impl ValidationPoint {
    /// What epochs and settings are chosen by.
    pub fn score(&self) -> ValidationScore {
        ValidationScore { top1: self.top1, nll: self.nll }
    }
}
