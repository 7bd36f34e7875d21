//! Why a measurement stopped.

use std::path::PathBuf;

use crate::setting_error::SettingError;
use crate::{Case, Path};

/// Why a measurement stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BenchError {
    /// A setting is out of its range.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// The loss refused the data of a case.
    #[error(transparent)]
    Loss(#[from] softnce::Error),
    /// A path was called on a case that has not got what it needs.
    #[error("{path} cannot be called at {case}: {reason}")]
    Inapplicable {
        /// The case.
        case: Case,
        /// The path.
        path: Path,
        /// What is missing.
        reason: &'static str,
    },
    /// Two paths that compute the same loss do not agree.
    #[error("at {case}, {quantity} is {first_value} by {first} and {second_value} by {second}, expected the same")]
    Disagreement {
        /// The case.
        case: Case,
        /// What was compared.
        quantity: &'static str,
        /// One path.
        first: Path,
        /// What it computed.
        first_value: f64,
        /// The other path.
        second: Path,
        /// What it computed.
        second_value: f64,
    },
    /// The threads could not be started.
    #[error("cannot start {threads} threads: {source}")]
    Threads {
        /// How many.
        threads: usize,
        /// Why not.
        source: rayon::ThreadPoolBuildError,
    },
    /// The folder holds something else.
    #[error(
        "{path} is not empty and holds no measurements; name a new or empty folder with --out",
        path = .path.display()
    )]
    ForeignFolder {
        /// The folder.
        path: PathBuf,
    },
    /// A file or folder could not be read or written.
    #[error("cannot {action} {path}: {source}", path = .path.display())]
    File {
        /// What was attempted.
        action: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The rows could not be written as CSV.
    #[error("cannot write the rows as CSV: {0}")]
    Csv(#[from] csv::Error),
    /// The measurements could not be written as JSON.
    #[error("cannot write the measurements as JSON: {0}")]
    Json(#[from] serde_json::Error),
}
