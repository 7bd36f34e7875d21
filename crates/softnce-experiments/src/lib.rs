//! Studies of when the softnce losses help, and why. Each study trains a list of models, saves the result of each
//! training as soon as it is finished, and writes a report with the results.
//!
//! - [`toy`]: a problem whose truth is known; [`pictures`]: the paper's claims on real pictures; [`graphs`]: node
//!   classification; [`variants`]: ablations, long tails and human labels.

#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod budget;
mod chart;
mod error;
mod folder;
pub mod graphs;
mod named;
mod newton;
mod outcome;
mod parts;
pub mod pictures;
mod progress;
mod tensors;
pub mod toy;
pub mod variants;

pub use budget::Budget;
pub use error::StudyError;
pub use outcome::Outcome;
pub use progress::Progress;
