//! Candidates beyond the batch: label distributions, which need no picture and no forward pass.
//!
//! - [`CandidateConfig`]: where they come from; [`TargetQueue`]: targets of past batches. Free draws from the training
//!   set's targets are [`Mixing::draw_targets`](crate::mixing::Mixing::draw_targets).

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
