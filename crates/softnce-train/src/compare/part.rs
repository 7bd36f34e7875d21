//! What is kept of each trial and each run, and under which name.

use serde::{Deserialize, Serialize};
use softnce::LossKind;

use super::{DivergedRun, RunRecord};

/// A point of the learning-rate grid under one seed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Trial {
    pub(super) loss: LossKind,
    pub(super) rate: f64,
    pub(super) seed: u64,
}

impl Trial {
    pub(super) fn name(self) -> String {
        format!("tuning-{}-{:e}-seed{}", self.loss, self.rate, self.seed)
    }
}

/// What is kept of a run.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RunPart {
    Finished(Box<RunRecord>),
    Diverged(DivergedRun),
}

/// The name of a compared run.
pub(super) fn run_name(loss: LossKind, seed: u64) -> String {
    format!("run-{loss}-seed{seed}")
}
