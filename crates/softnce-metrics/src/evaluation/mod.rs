//! Evaluation of a classifier on a set of any size: it takes rows of logits in batches of any size and returns
//! everything that a report shows.
//!
//! An [`Evaluator`] keeps no logits. Per example it holds nine bytes (confidence, right or wrong), which exact bins of
//! equal mass need: 0.45 MB for ImageNet's validation set. Beyond that it holds 32 bytes a class
//! and calibration bin, and the confusion matrix: 8 bytes a pair of classes up to [`DENSE_CLASSES`] classes, about 40
//! bytes a pair *seen* above. The result does not depend on how the rows are split into batches.
//!
//! [`TemperatureFit`](crate::TemperatureFit) finds the temperature that calibrates the posterior best, on a split of
//! its own; an evaluator with that temperature gives the metrics after scaling.

mod classes;
mod confusion;
mod evaluator;
mod frequency;
mod ranked;
mod result;
mod soft;
#[cfg(test)]
mod tests;

pub use classes::ClassResult;
pub use confusion::{ConfusionMatrix, DENSE_CLASSES};
pub use evaluator::{Evaluator, EvaluatorConfig};
pub use frequency::{FREQUENT_ABOVE, Frequency, FrequencyGroup, FrequencyGroups, RARE_BELOW};
pub use ranked::EvaluatedExample;
pub use result::EvaluationResult;
pub use soft::{SOFT_LABEL_TOLERANCE, SoftLabelScores};
