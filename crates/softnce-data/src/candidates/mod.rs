//! Candidates beyond the batch: label distributions, which need neither a picture nor a forward pass.
//!
//! - [`CandidateConfig`]: the settings; [`TargetQueue`]: targets of past batches. Draws from the training set's targets
//!   come from [`Mixing::draw_targets`](crate::mixing::Mixing::draw_targets), classes from
//!   [`softnce::ClassCandidates`].

mod config;
mod error;
mod queue;
mod rows;

#[cfg(test)]
mod tests;

pub use config::{CandidateConfig, MOST_CANDIDATES};
pub use error::CandidateError;
pub use queue::{QueueState, TargetQueue};
pub use rows::QueueRows;
