//! Metrics of a classifier, and statistics over repeated runs.
//!
//! - [`evaluate`]: accuracy, negative log likelihood, Brier score and calibration of logits in memory.
//! - [`Evaluator`]: all of that and more for a set of any size, a batch at a time.
//! - [`RankingEvaluator`]: precision, recall and nDCG at k from lists of the best classes, for several labels a row.
//! - [`TemperatureFit`]: temperature scaling.
//! - [`METRICS`]: the table of metrics; every report iterates over it.
//! - [`mean_interval`], [`paired_difference`], [`equivalence`], [`median`]: statistics over the seeds of an experiment.
//!
//! All metrics are computed from the posterior `p(y|x) = softmax(logits / temperature)`; the noise distribution of a
//! contrastive loss plays no part. No metric is ever NaN: input that would give NaN is an error.

#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod accuracy;
mod binning;
mod calibrated_reference;
mod calibration;
mod choice;
mod class_wise;
mod error;
mod evaluation;
mod largest;
mod metric;
mod moments;
mod overall;
mod ranking;
mod scores;
mod selective;
mod spread;
mod statistics;
mod temperature;
#[cfg(test)]
mod tests;

pub use binning::MAX_BINS;
pub use calibration::{
    Calibration, CalibrationError, ReliabilityBin, equal_mass, equal_width, expected_calibration_error,
};
pub use choice::{ValidationScore, best_setting};
pub use error::MetricError;
pub use evaluation::{
    ClassResult, ConfusionMatrix, DENSE_CLASSES, EvaluatedExample, EvaluationResult, Evaluator, EvaluatorConfig,
    FREQUENT_ABOVE, Frequency, FrequencyGroup, FrequencyGroups, RARE_BELOW, SOFT_LABEL_TOLERANCE, SoftLabelScores,
};
pub use largest::largest_entry;
pub use metric::{
    AURC, BALANCED, Baseline, Direction, ECE_EQUAL_MASS, ECE_EQUAL_WIDTH, KL_DIVERGENCE, METRICS, Metric, MetricValues,
    NLL, Reading, SUREST_NINETY, Specification, TOP1, TOP5, Unit,
};
pub use overall::{CALIBRATION_BINS, Evaluation, evaluate};
pub use ranking::{RankingAt, RankingEvaluator, RankingGroup, RankingGroups, RankingResult, TrainingCounts};
pub use selective::Selective;
pub use spread::Spread;
pub use statistics::{
    CONFIDENCE_LEVEL, Equivalence, Estimate, StatsError, equivalence, mean_interval, median, paired_difference,
    wilson_interval,
};
pub use temperature::{LARGEST_CHANGE, TemperatureFit};
