//! Why a run failed.

use softnce::ErrorKind;
use softnce_data::augmentation::AugmentationError;
use softnce_data::candidates::CandidateError;
use softnce_data::labels::LabelError;
use softnce_data::loader::LoaderError;
use softnce_data::mixing::MixingError;
use softnce_data::sets::{BadPictures, SetError};
use softnce_data::subset::SubsetError;
use softnce_metrics::MetricError;
use softnce_nn::models::NetworkError;
use softnce_nn::weights::WeightsError;
use softnce_store::StoreError;

use crate::device::DeviceError;
use crate::recipe::RecipeError;

/// Why a run failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The recipe was refused.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    /// The device is not there.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The data could not be read.
    #[error(transparent)]
    Set(#[from] SetError),
    /// Pictures cannot be decoded.
    #[error(transparent)]
    Pictures(#[from] BadPictures),
    /// The label distributions could not be read.
    #[error(transparent)]
    Labels(#[from] LabelError),
    /// The data could not be split.
    #[error(transparent)]
    Subset(#[from] SubsetError),
    /// The augmentation was refused.
    #[error(transparent)]
    Augmentation(#[from] AugmentationError),
    /// A batch could not be made.
    #[error(transparent)]
    Loader(#[from] LoaderError),
    /// The candidates beyond the batch were refused.
    #[error(transparent)]
    Candidates(#[from] CandidateError),
    /// The mixing was refused.
    #[error(transparent)]
    Mixing(#[from] MixingError),
    /// The network was refused.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// Weights could not be read, written or put in place.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// Targets were refused.
    #[error(transparent)]
    Targets(#[from] softnce::Error),
    /// The loss could not be built.
    #[error(transparent)]
    Loss(#[from] softnce_burn::Error),
    /// A step failed: most often because the weights have diverged.
    #[error("epoch {epoch}, step {step}: {source}; the checkpoint before it is kept")]
    Step {
        /// Number of the epoch, from 1.
        epoch: usize,
        /// Number of the batch within it, from 1.
        step: usize,
        /// What the loss refused.
        source: softnce_burn::Error,
    },
    /// The gradient is no number: the weights have diverged.
    #[error(
        "epoch {epoch}, step {step}: the norm of the gradient is {norm}, expected a finite number; \
         the checkpoint before it is kept"
    )]
    Gradient {
        /// Number of the epoch, from 1.
        epoch: usize,
        /// Number of the batch within it, from 1.
        step: usize,
        /// The norm over all parameters.
        norm: f64,
    },
    /// A weight is no number: the weights have diverged.
    #[error("a value of {tensor} is {value}, expected finite numbers; the checkpoint before it is kept")]
    Diverged {
        /// The tensor.
        tensor: String,
        /// The value.
        value: f32,
    },
    /// The predictions could not be evaluated; with logits that are not finite, because the weights have diverged.
    #[error(transparent)]
    Metric(#[from] MetricError),
    /// A tensor could not be read from its device.
    #[error("{what} could not be read from the device: {reason}")]
    Read {
        /// What was to be read.
        what: &'static str,
        /// What the device said.
        reason: String,
    },
    /// Something about the data does not fit the recipe.
    #[error("{argument} is {found}, expected {expected}")]
    Data {
        /// What does not fit.
        argument: &'static str,
        /// What was found.
        found: String,
        /// What was expected.
        expected: String,
    },
    /// A file or folder could not be read or written, or the folder holds something else.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The report could not be made.
    #[error("the report could not be made: {reason}")]
    Report {
        /// What was wrong.
        reason: String,
    },
}

impl RunError {
    /// Whether the run failed because its weights diverged, rather than because of what it was given.
    pub fn is_divergence(&self) -> bool {
        match self {
            RunError::Step { source: softnce_burn::Error::Loss(error), .. } => match error.kind() {
                ErrorKind::NonFinite => error.argument() == "logits",
                ErrorKind::Overflow | ErrorKind::Temperature => true,
                _ => false,
            },
            // The recipe's own temperature was in range: a learned one has left it.
            RunError::Loss(softnce_burn::Error::Loss(error)) => error.kind() == ErrorKind::Temperature,
            RunError::Gradient { .. } | RunError::Diverged { .. } => true,
            RunError::Metric(error) => matches!(error, MetricError::NonFiniteLogit { .. }),
            _ => false,
        }
    }

    /// Whether the recipe, the data or the folder was refused, rather than something that failed on the way.
    pub fn is_usage(&self) -> bool {
        match self {
            RunError::Store(error) => error.is_usage(),
            RunError::Step { .. }
            | RunError::Metric(_)
            | RunError::Read { .. }
            | RunError::Pictures(_)
            | RunError::Loader(LoaderError::Picture { .. })
            | RunError::Report { .. } => false,
            _ => !self.is_divergence(),
        }
    }

    pub(crate) fn read(what: &'static str, error: impl std::fmt::Debug) -> RunError {
        RunError::Read { what, reason: format!("{error:?}") }
    }
}
