//! Why a study stopped.

use std::io;
use std::path::PathBuf;

use softnce::ErrorKind;
use softnce_classes::ClassesError;
use softnce_data::fetch::MissingData;
use softnce_metrics::{MetricError, StatsError};
use softnce_nn::models::NetworkError;
use softnce_store::StoreError;
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
    /// A file or folder could not be read or written, or the folder holds something else.
    #[error(transparent)]
    Store(#[from] StoreError),
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
    /// The files of a graph hold something that cannot be understood or used.
    #[error("{path}: {reason}", path = .path.display())]
    Graph {
        /// The file.
        path: PathBuf,
        /// What was found, and what was expected.
        reason: String,
    },
    /// A folder of data does not exist.
    #[error("{argument}: {source}")]
    Missing {
        /// Name of the setting that names it.
        argument: &'static str,
        /// Where it was expected, and what to do next.
        source: MissingData,
    },
    /// A graph that can be downloaded lacks files.
    #[error("{source}; {remedy}")]
    Incomplete {
        /// What is missing.
        source: Box<StudyError>,
        /// What to do next.
        remedy: String,
    },
    /// A comparison could not be made.
    #[error(transparent)]
    Compare(#[from] CompareError),
    /// A run could not be made.
    #[error(transparent)]
    Run(#[from] RunError),
    /// A run over many classes could not be made.
    #[error(transparent)]
    Classes(#[from] ClassesError),
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
    /// A training diverged.
    #[error(
        "{training}: the training diverged at step {step}, at learning rate {rate:.2e}: {value}, expected finite losses and logits"
    )]
    Diverged {
        /// Which training, in words.
        training: String,
        /// The step, from 1.
        step: usize,
        /// The learning rate of that step.
        rate: f64,
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
    /// Stopped, or out of time; what is finished is kept, and the same command continues after it.
    #[error("stopped with {finished} of {planned} parts finished")]
    Interrupted {
        /// Parts finished.
        finished: usize,
        /// Parts planned.
        planned: usize,
    },
    /// Figures that have no statistic.
    #[error(transparent)]
    Stats(#[from] StatsError),
}

impl StudyError {
    /// A setting out of its range.
    pub(crate) fn argument(argument: &'static str, value: impl ToString, expected: &'static str) -> Self {
        StudyError::Argument { argument, value: value.to_string(), expected }
    }

    /// Whether the arguments, the data or the folder are at fault, and nothing was trained.
    pub fn is_usage(&self) -> bool {
        match self {
            StudyError::Run(error) => error.is_usage(),
            StudyError::Classes(error) => error.is_usage(),
            StudyError::Store(StoreError::File { action, .. }) => *action == "read",
            StudyError::Store(error) => error.is_usage(),
            StudyError::Argument { .. }
            | StudyError::Name { .. }
            | StudyError::Corrupt { .. }
            | StudyError::Graph { .. }
            | StudyError::Missing { .. }
            | StudyError::Incomplete { .. }
            | StudyError::Recipe(..) => true,
            _ => false,
        }
    }

    /// Whether a file of a graph is not there.
    pub(crate) fn is_missing_file(&self) -> bool {
        match self {
            StudyError::Store(StoreError::File { source, .. }) => source.kind() == io::ErrorKind::NotFound,
            StudyError::Graph { path, .. } => path.is_dir(),
            _ => false,
        }
    }

    /// Whether a loss refused what a diverged training gave it: logits that are not finite, or too large.
    pub(crate) fn is_divergence(&self) -> bool {
        match self {
            StudyError::Loss(error) => matches!(error.kind(), ErrorKind::NonFinite | ErrorKind::Overflow),
            StudyError::Diverged { .. } => true,
            _ => false,
        }
    }

    /// The same of a training by name.
    pub(crate) fn of(self, name: &str) -> Self {
        match self {
            StudyError::Diverged { training, step, rate, value } => {
                StudyError::Diverged { training: format!("{name}, {training}"), step, rate, value }
            }
            other => StudyError::Training { training: name.to_owned(), source: Box::new(other) },
        }
    }
}
