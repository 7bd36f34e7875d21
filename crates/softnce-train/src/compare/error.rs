//! Why a comparison stopped.

use std::path::PathBuf;

use softnce_metrics::StatsError;
use softnce_report::ReportError;
use softnce_store::parts::PartsError;

use crate::runs::RunError;

/// Why a comparison stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompareError {
    /// The recipe, its data or the folder was refused.
    #[error(transparent)]
    Refused(Box<RunError>),
    /// The folder holds a comparison of another recipe.
    #[error(
        "{path} holds a comparison of another recipe ({differences}); name another folder with --out, or remove it",
        path = .path.display()
    )]
    OtherRecipe {
        /// The folder.
        path: PathBuf,
        /// Which settings differ, in words.
        differences: String,
    },
    /// The folder holds something else.
    #[error("{path} is not empty and holds no comparison; name a new or empty folder with --out", path = .path.display())]
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
    /// A finished run could not be read or kept.
    #[error(transparent)]
    Parts(#[from] PartsError),
    /// The recipe in a folder cannot be understood.
    #[error(
        "{path} cannot be understood: {reason}; name another folder with --out, or put the file right",
        path = .path.display()
    )]
    CorruptRecipe {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// Learning rates would be chosen on the pictures to test on.
    #[error(
        "data.validation_share is 0, expected above 0 where several learning rates are tried: \
         they would be chosen on the test pictures"
    )]
    NoValidation,
    /// No run of any loss came to its end.
    #[error("every run diverged, at every learning rate of {rates:?}: there is nothing to report")]
    AllDiverged {
        /// The rates tried.
        rates: Vec<f64>,
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

impl From<RunError> for CompareError {
    fn from(error: RunError) -> Self {
        CompareError::Refused(Box::new(error))
    }
}
