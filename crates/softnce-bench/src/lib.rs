//! What the losses cost: time and memory of every path of the computation, side by side.
//!
//! - [`Case`]: how many rows, candidates and classes; the standard ones, those of a sweep, those with a linear head.
//! - [`Path`]: the computations that are measured; [`Workload`]: a case's data, and a call of a path on it.
//! - [`Bench`]: all paths of a case measured in turns, so that what the machine does besides hits all alike.
//! - [`Results`]: what came of it.

#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod agreement;
mod bench;
mod case;
mod data;
mod error;
mod machine;
mod measure;
mod path;
mod paths;
mod results;
mod settings;

pub use bench::{Bench, Progress};
pub use case::Case;
pub use error::BenchError;
pub use machine::Machine;
pub use measure::{AllocatedBytes, Spread};
pub use path::Path;
pub use paths::{Output, Workload};
pub use results::{Measurement, Results, Skipped};
pub use settings::BenchSettings;
