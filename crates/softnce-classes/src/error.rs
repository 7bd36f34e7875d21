//! Why a training over many classes failed.

use softnce_data::candidates::CandidateError;
use softnce_metrics::MetricError;
use softnce_report::number;
use softnce_rows::RowsError;
use softnce_store::StoreError;

use crate::data::DataError;

/// Why a training over many classes failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClassesError {
    /// A setting is not what was expected.
    #[error("{setting} is {found}, expected {expected}")]
    Setting {
        /// Its name in the recipe.
        setting: &'static str,
        /// Its value.
        found: String,
        /// What was expected.
        expected: String,
    },
    /// A setting of the data is not what was expected.
    #[error("{section}.{source}")]
    DataSetting {
        /// Its section in the recipe.
        section: &'static str,
        /// Its name there, its value, and what was expected.
        source: DataError,
    },
    /// A recipe could not be read.
    #[error("{name}: {reason}")]
    Recipe {
        /// The file, or the name of a built-in recipe.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The loss or the gradient of a step left the range of its type.
    #[error("step {step}, learning rate {}: {source}; a lower optimizer.learning_rate may help", number::rate(*rate))]
    Step {
        /// The step, from 1.
        step: u64,
        /// The learning rate of the step.
        rate: f64,
        /// What was refused.
        source: Box<ClassesError>,
    },
    /// The score of a row left the range of f32.
    #[error("{part} {row}: the score of class {class} is {score}, expected the range of f32")]
    Score {
        /// The part of the data, or a file.
        part: String,
        /// The row in it, from 0.
        row: usize,
        /// The class.
        class: usize,
        /// The score: infinite or NaN.
        score: f32,
    },
    /// The system could not start a thread.
    #[error("a thread to read rows could not be started: {0}")]
    Thread(std::io::Error),
    /// The data could not be read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The rows of the tables could not be read or changed.
    #[error(transparent)]
    Rows(#[from] RowsError),
    /// The loss refused its input.
    #[error(transparent)]
    Loss(#[from] softnce::Error),
    /// The candidates could not be kept.
    #[error(transparent)]
    Candidates(#[from] CandidateError),
    /// A metric refused its input.
    #[error(transparent)]
    Metric(#[from] MetricError),
    /// A file or folder could not be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ClassesError {
    /// Whether the recipe, the data or the folder is at fault, and not the training or the system.
    pub fn is_usage(&self) -> bool {
        match self {
            ClassesError::Store(error) | ClassesError::Rows(RowsError::Store(error)) => error.is_usage(),
            ClassesError::Step { .. }
            | ClassesError::Score { .. }
            | ClassesError::Thread(_)
            | ClassesError::Metric(_)
            | ClassesError::Loss(_) => false,
            _ => true,
        }
    }

    /// Names the section of a refused setting; other errors of the data name their file.
    pub(crate) fn in_section(section: &'static str) -> impl Fn(DataError) -> Self {
        move |source| match source {
            DataError::Argument { .. } => ClassesError::DataSetting { section, source },
            _ => source.into(),
        }
    }

    /// Names the row of a refused score, where the queries are these rows of a part of the data.
    pub(crate) fn in_rows<'r>(part: &'r str, rows: &'r [usize]) -> impl Fn(RowsError) -> Self + 'r {
        move |error| match error {
            RowsError::Score { query, class, score } => {
                ClassesError::Score { part: part.to_owned(), row: rows[query], class, score }
            }
            _ => error.into(),
        }
    }

    pub(crate) fn setting(setting: &'static str, found: impl ToString, expected: impl Into<String>) -> Self {
        ClassesError::Setting { setting, found: found.to_string(), expected: expected.into() }
    }
}
