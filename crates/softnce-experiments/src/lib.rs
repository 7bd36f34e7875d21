//! Studies of when the softnce losses help, and why. Each study trains a list of models, saves the result of each
//! training as soon as it is finished, and writes a report with the results.
//!
//! - [`toy`]: a problem whose truth is known; [`pictures`]: the paper's claims on real pictures; [`features`]: the same on
//!   features of a pretrained network; [`classes`]: very many classes; [`graphs`]: node classification; [`variants`]:
//!   ablations, long tails, human labels and the one-line swap.

#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod again;
mod chart;
pub mod classes;
mod diverged;
mod error;
pub mod features;
mod folder;
mod forest;
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
mod verdict;

pub use again::write_report_again;
pub use error::StudyError;
pub use measure::Measure;
pub use place::{Budget, Place};
pub use softnce_terminal::Progress;
pub use verdict::Verdict;
