//! Why a study stopped.

use std::path::PathBuf;

use softnce_metrics::{MetricError, StatsError};
use softnce_nn::models::NetworkError;
use softnce_store::parts::PartsError;
use softnce_train::compare::CompareError;
use softnce_train::recipe::RecipeError;
use softnce_train::runs::RunError;

/// Why a study stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StudyError {
    /// A setting out of its range.
    #[error("{argument}: {value}, expected {expected}")]
    Argument {
        /// Name of the setting.
        argument: &'static str,
        /// Its value.
        value: String,
        /// What was expected.
        expected: &'static str,
    },
    /// The study has nothing of this name, or it came twice.
    #[error("{argument}: {name}, expected each of {known} at most once")]
    Name {
        /// What is named: sets, groups.
        argument: &'static str,
        /// The name that came.
        name: String,
        /// Those that there are.
        known: String,
    },
    /// The folder holds another study, or the same with other settings.
    #[error(
        "{path} holds {found}, expected {expected}; name another folder with --out, or remove it",
        path = .path.display()
    )]
    OtherStudy {
        /// The folder.
        path: PathBuf,
        /// What it holds.
        found: String,
        /// What is to be run.
        expected: String,
    },
    /// The folder holds something else.
    #[error("{path} is not empty and holds no study; name a new or empty folder with --out", path = .path.display())]
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
    /// A line of a file cannot be understood.
    #[error("{path}, line {line}: {reason}", path = .path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What came, and what was expected.
        reason: String,
    },
    /// A part of the study could not be read or kept.
    #[error(transparent)]
    Parts(#[from] PartsError),
    /// A comparison could not be made.
    #[error(transparent)]
    Compare(#[from] CompareError),
    /// A run could not be made.
    #[error(transparent)]
    Run(#[from] RunError),
    /// A recipe was refused.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    /// The network could not be made.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The loss refused a batch.
    #[error(transparent)]
    Loss(#[from] softnce::Error),
    /// Figures that cannot be evaluated.
    #[error(transparent)]
    Metric(#[from] MetricError),
    /// A tensor could not be read.
    #[error("cannot read a tensor: {reason}")]
    Read {
        /// What the framework said.
        reason: String,
    },
    /// A training went off to where no number is.
    #[error("{training}: {value} at step {step}, expected finite losses and logits")]
    Diverged {
        /// Which training, in words.
        training: String,
        /// The step, from 1.
        step: usize,
        /// The loss or logit there.
        value: f64,
    },
    /// A training failed.
    #[error("{training}: {source}")]
    Training {
        /// Its name.
        training: String,
        /// Why.
        source: Box<StudyError>,
    },
    /// Figures that have no statistic.
    #[error(transparent)]
    Stats(#[from] StatsError),
}

impl StudyError {
    /// Whether the arguments, the data or the folder are at fault, and nothing was trained.
    pub fn is_usage(&self) -> bool {
        match self {
            StudyError::Run(error) => error.is_usage(),
            StudyError::File { action, .. } => matches!(*action, "read" | "understand"),
            StudyError::Argument { .. }
            | StudyError::Name { .. }
            | StudyError::OtherStudy { .. }
            | StudyError::ForeignFolder { .. }
            | StudyError::Corrupt { .. }
            | StudyError::Recipe(..) => true,
            _ => false,
        }
    }

    /// The same of a training by name.
    pub(crate) fn of(self, name: &str) -> Self {
        match self {
            StudyError::Diverged { training, step, value } => {
                StudyError::Diverged { training: format!("{name}, {training}"), step, value }
            }
            other => StudyError::Training { training: name.to_owned(), source: Box::new(other) },
        }
    }
}
