//! Why a comparison stopped.

use softnce_metrics::StatsError;
use softnce_report::ReportError;
use softnce_store::StoreError;

use crate::runs::RunError;

/// Why a comparison stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompareError {
    /// The recipe, its data or the folder was refused.
    #[error(transparent)]
    Refused(Box<RunError>),
    /// A file or folder could not be read or written, or the folder holds something else.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Learning rates would be chosen on the pictures to test on.
    #[error(
        "data.validation_share is 0, expected above 0 where several learning rates are tried: \
         they would be chosen on the test pictures"
    )]
    NoValidation,
    /// No run of any loss finished.
    #[error("every run diverged, at every learning rate of {rates:?}: there is nothing to report{first}")]
    AllDiverged {
        /// The rates tried.
        rates: Vec<f64>,
        /// Why the first of the compared runs did, in words; empty if the rates were tried out and none was left.
        first: String,
    },
    /// A run failed.
    #[error("{run}: {source}")]
    Run {
        /// Which run, in words.
        run: String,
        /// Why.
        source: Box<RunError>,
    },
    /// The figures could not be summarised.
    #[error(transparent)]
    Stats(#[from] StatsError),
    /// The report could not be written.
    #[error(transparent)]
    Report(#[from] ReportError),
}

impl CompareError {
    /// Whether the disk is full.
    pub fn is_full_disk(&self) -> bool {
        match self {
            CompareError::Store(error) => error.is_full_disk(),
            CompareError::Refused(error) | CompareError::Run { source: error, .. } => error.is_full_disk(),
            _ => false,
        }
    }
}

impl From<RunError> for CompareError {
    fn from(error: RunError) -> Self {
        CompareError::Refused(Box::new(error))
    }
}
