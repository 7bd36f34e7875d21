//! The comparison of losses: one recipe, the same network, data and budget under each loss, paired by seed.

mod error;
mod folder;
mod progress;
mod results;
mod runs;
mod study;
mod summary;
mod words;

pub use error::CompareError;
pub use progress::{PeakMemory, Progress};
pub use results::{
    BASELINE, Cost, DivergedRun, EpochRecord, Estimate, LossSummary, Metric, MetricSummary, RunRecord,
    ScaledEvaluation, ScaledSummary, Setting, TuningRecord, TuningScore,
};
pub use study::{FIRST_TUNING_SEED, Outcome, Study, Surroundings};
pub use summary::summarise_runs;
