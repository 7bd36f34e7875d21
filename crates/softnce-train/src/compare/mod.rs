//! The comparison of losses: the same network, data and budget under each, paired by seed.

mod config;
mod error;
mod folder;
mod part;
mod results;
mod study;
mod summary;

pub use config::{BASELINE, CompareConfig};
pub use error::CompareError;
pub use folder::RunFolder;
pub use results::{
    Cost, DivergedRun, Estimate, LossSummary, Metric, MetricSummary, Results, RunRecord, ScaledEvaluation,
    ScaledSummary, Setting, TuningRecord, TuningScore,
};
pub use study::{Outcome, PeakMemory, Progress, Study};
pub use summary::summarise_runs;

pub use crate::training::EpochRecord;
