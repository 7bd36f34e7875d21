//! Benchmark of the losses: time and memory of every *path*, that is, of every implementation of a loss (for hard,
//! compact or dense targets, or with the linear head).
//!
//! - [`Case`]: how many rows, candidates and classes; [`CaseSet`]: the standard cases, those of a sweep, those with a
//!   linear head.
//! - [`Path`]: the computations that are measured; [`Workload`]: a case's data, and a call of a path on it.
//! - [`Bench`]: measures all paths of a case in turn, so that other load on the machine affects all of them equally.
//! - [`Results`], [`report`], [`BenchFolder`]: the measurements, as tables, files and figures.

#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod agreement;
mod bench;
mod case;
mod case_set;
mod data;
mod error;
mod folder;
mod machine;
mod measure;
mod path;
mod paths;
pub mod report;
mod results;
mod setting_error;
mod settings;

pub use bench::{Bench, Progress};
pub use case::Case;
pub use case_set::CaseSet;
pub use error::BenchError;
pub use folder::BenchFolder;
pub use machine::Machine;
pub use measure::AllocatedBytes;
pub use path::Path;
pub use paths::{Kept, Output, Workload};
pub use results::{Measurement, Results, Skipped};
pub use setting_error::SettingError;
pub use settings::BenchSettings;
