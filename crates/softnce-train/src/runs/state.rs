//! All that a step changes.

use burn::module::Module;
use burn::optim::ModuleOptimizer;
use serde::{Deserialize, Serialize};
use softnce_burn::LossModule;
use softnce_data::candidates::TargetQueue;
use softnce_metrics::ValidationScore;
use softnce_nn::models::Network;
use softnce_report::results::EpochRecord;

use super::times::Times;
use crate::optimisation::WeightAverage;

/// All that a step changes; what else a step needs follows from the recipe, the data and the position.
#[derive(Clone)]
pub struct TrainState {
    /// The network, on an autodiff device.
    pub network: Network,
    /// Its averaged weights.
    pub average: Option<WeightAverage>,
    /// The optimiser of the network.
    pub optimizer: ModuleOptimizer,
    /// The loss; with a learned temperature, a parameter too.
    pub loss: LossModule,
    /// The optimiser of the temperature.
    pub loss_optimizer: Option<ModuleOptimizer>,
    /// Past targets.
    pub queue: Option<TargetQueue>,
    /// Where the run stands.
    pub position: Position,
    /// The epochs so far.
    pub history: Vec<EpochRecord>,
}

impl std::fmt::Debug for TrainState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TrainState").field("position", &self.position).finish_non_exhaustive()
    }
}

impl TrainState {
    /// The network that is evaluated, outside any graph: with the averaged weights where there are any.
    pub fn evaluated_network(&self) -> Network {
        match &self.average {
            Some(average) => average.network.clone(),
            None => self.network.valid(),
        }
    }
}

/// Where a run stands, between two optimiser steps.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Position {
    /// Epochs that are done.
    pub epoch: usize,
    /// Batches of the epoch under way that are done.
    pub batch: usize,
    /// Optimiser steps so far.
    pub optimizer_steps: usize,
    /// Sums over the epoch under way.
    pub sums: Sums,
    /// The best epoch on the validation pictures.
    pub best: Option<Best>,
    /// Validations since then.
    // Checkpoints keep their key.
    #[serde(rename = "looks_since_best")]
    pub validations_since_best: usize,
    /// Wall time so far, interruptions left out, in seconds.
    pub seconds: f64,
    /// Whether the run is over: all epochs, or stopped early.
    pub finished: bool,
    /// What a step took, once the run is over.
    pub times: Option<Times>,
}

/// Sums over the batches of an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Sums {
    /// Training loss, each batch counted by its pictures.
    pub loss: f64,
    /// Pictures.
    pub rows: usize,
    /// Pictures whose own class was the most probable.
    pub correct: usize,
    /// Wall time of the batches, in seconds.
    pub seconds: f64,
    /// The part of it that was spent waiting for pictures, in seconds.
    pub waited: f64,
}

/// The best epoch on the validation pictures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// Number of the epoch, from 1.
    pub epoch: usize,
    /// The score of the network after it.
    #[serde(flatten)]
    pub score: ValidationScore,
    /// The checksum of the file with its weights, once they are written; earlier revisions kept none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum: Option<String>,
}

/// The network after a new best epoch, until a checkpoint names it.
pub(super) struct NewBest {
    pub(super) network: Network,
    pub(super) temperature: f64,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_position_keeps_its_keys_in_checkpoints() {
        let position = Position { validations_since_best: 3, ..Position::default() };
        let written = serde_json::to_value(&position).unwrap();
        assert_eq!(written["looks_since_best"], 3);
        assert_eq!(serde_json::from_value::<Position>(written).unwrap(), position);
    }
}
