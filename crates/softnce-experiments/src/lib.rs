//! Studies of when the softnce losses help, and why. Each is a list of trainings, kept one by one, and a page with the
//! results.
//!
//! - [`toy`]: a problem whose truth is known; [`pictures`]: the paper's claims on real pictures; [`graphs`]: node
//!   classification; [`variants`]: ablations, long tails and human labels.

#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod chart;
mod error;
mod folder;
pub mod graphs;
mod measure;
mod named;
mod newton;
mod parts;
pub mod pictures;
mod place;
mod tensors;
pub mod toy;
pub mod variants;

pub use error::StudyError;
pub use measure::Measure;
pub use place::{Budget, Place};
pub use softnce_terminal::Progress;
