//! Metrics of ranked lists of classes, for rows with several labels: precision, recall and nDCG at k,
//! propensity-scored precision, and all of it by the frequency of the class.
//!
//! Nothing here takes an array over all classes but the training counts: lists of the best classes and labels are
//! enough, so it serves millions of classes.

mod at_k;
mod evaluator;
mod groups;
mod propensity;
#[cfg(test)]
mod tests;

pub use at_k::{RankingAt, RankingResult};
pub use evaluator::RankingEvaluator;
pub use groups::{RankingGroup, RankingGroups};
pub use propensity::TrainingCounts;
