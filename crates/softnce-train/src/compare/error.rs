//! Why a comparison stopped.

use std::path::PathBuf;

use crate::data::DataError;
use crate::mixing::MixingError;
use crate::report::ReportError;
use crate::stats::StatsError;
use crate::training::TrainError;

/// Why a comparison stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompareError {
    /// A setting is out of its range.
    #[error("{argument} is {value}, expected {expected}")]
    Setting {
        /// Name of the setting.
        argument: &'static str,
        /// Value that came.
        value: String,
        /// Range that was expected, in words.
        expected: &'static str,
    },
    /// A setting of the loss was refused.
    #[error(transparent)]
    Loss(#[from] softnce::Error),
    /// A setting of the mixing was refused.
    #[error(transparent)]
    Mixing(#[from] MixingError),
    /// The folder holds the results of another configuration.
    #[error(
        "{path} holds runs of another configuration ({differences}); name another folder with --out, or remove it",
        path = .path.display()
    )]
    OtherConfiguration {
        /// The folder.
        path: PathBuf,
        /// Which settings differ, in words.
        differences: String,
    },
    /// The folder holds something else.
    #[error("{path} is not empty and holds no run; name a new or empty folder with --out", path = .path.display())]
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
    /// A file of an earlier run cannot be understood.
    #[error("{path} cannot be understood: {reason}; remove it to have its run repeated", path = .path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The configuration in a folder cannot be understood.
    #[error(
        "{path} cannot be understood: {reason}; name another folder with --out, or put the file right",
        path = .path.display()
    )]
    CorruptConfiguration {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A file was written by another version.
    #[error(
        "{path} was written by softnce {found}, this is {expected}; name another folder with --out",
        path = .path.display()
    )]
    OtherVersion {
        /// The file.
        path: PathBuf,
        /// Version that wrote it.
        found: String,
        /// Version of this program.
        expected: &'static str,
    },
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
        source: TrainError,
    },
    /// The data was refused.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The loss of a run could not be built.
    #[error(transparent)]
    Build(TrainError),
    /// The figures could not be summarised.
    #[error(transparent)]
    Stats(#[from] StatsError),
    /// The report could not be written.
    #[error(transparent)]
    Report(#[from] ReportError),
}
