//! Plain results, which the reports show and the files of a run and a comparison hold.

mod comparison;
mod epoch;
mod run;
mod summary;

pub use comparison::{
    Comparison, ComparisonPlan, Cost, CurvePoint, DivergedRun, LossSummary, MetricSummary, REFERENCE_LOSS, RunRecord,
    ScaledEvaluation, ScaledSummary, Setting, TuningRecord,
};
pub use epoch::{EpochRecord, ValidationPoint};
pub use run::{ReportPicture, RunReport, ScaledResult};
pub use summary::summarise_runs;
