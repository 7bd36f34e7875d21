//! Why a measurement stopped.

use softnce_store::StoreError;

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
    /// A file or folder could not be read or written, or the folder holds something else.
    #[error(transparent)]
    Store(#[from] StoreError),
}
