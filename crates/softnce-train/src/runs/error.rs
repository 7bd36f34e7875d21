//! Why a run failed.

use std::path::PathBuf;

use softnce::ErrorKind;
use softnce_data::augmentation::AugmentationError;
use softnce_data::candidates::CandidateError;
use softnce_data::fetch::MissingData;
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
    /// A folder or file of data does not exist.
    #[error("{key}: {source}")]
    Missing {
        /// The key of the recipe that names it.
        key: &'static str,
        /// Where it was expected, and what to do next.
        source: MissingData,
    },
    /// The data could not be read.
    #[error(transparent)]
    Set(#[from] SetError),
    /// A set that can be downloaded lacks files.
    #[error("{source}; {remedy}")]
    Incomplete {
        /// What is missing.
        source: SetError,
        /// What to do next.
        remedy: String,
    },
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
    /// A step failed.
    #[error("epoch {epoch}, step {step}: {source}{}", of_checkpoint(*kept))]
    Step {
        /// Number of the epoch, from 1.
        epoch: usize,
        /// Number of the batch within it, from 1.
        step: usize,
        /// What the loss refused.
        source: softnce_burn::Error,
        /// Whether there is a checkpoint from before it.
        kept: bool,
    },
    /// The training diverged: a number is not finite, or a learned temperature has left its range.
    #[error(
        "the training diverged in epoch {epoch}, step {step}, at learning rate {learning_rate:.2e}: {found}{}. \
         A lower optimizer.learning_rate, a longer schedule.warmup_epochs or an optimizer.clip_norm may help",
        of_checkpoint(*kept)
    )]
    Diverged {
        /// Number of the epoch, from 1.
        epoch: usize,
        /// Number of the batch within it, from 1.
        step: usize,
        /// The learning rate of this step.
        learning_rate: f64,
        /// What is not finite, and its value.
        found: String,
        /// Whether there is a checkpoint from before it.
        kept: bool,
    },
    /// A weight is not finite.
    #[error("a value of {tensor} is {value}, expected finite numbers")]
    Weight {
        /// The tensor.
        tensor: String,
        /// The value.
        value: f32,
    },
    /// A network gives a logit that is not finite.
    #[error("the logit of class {class} for {picture} is {value}, expected a finite number")]
    Logit {
        /// The class, from 0.
        class: usize,
        /// The picture.
        picture: String,
        /// The logit.
        value: f32,
    },
    /// The weights of a trained run are of no use.
    #[error("{}: {source}. The training has diverged or the file is damaged: train the run again", weights.display())]
    BadWeights {
        /// The file of the weights.
        weights: PathBuf,
        /// What shows it.
        source: Box<RunError>,
    },
    /// The predictions could not be evaluated.
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
    /// The run needs more memory than there is.
    #[error(
        "the run needs about {} of memory, and {} are available; a smaller training.batch_size, training.prefetch, \
         augmentation.size or network needs less; --force starts it anyway",
        gigabytes(*needed), gigabytes(*available)
    )]
    Memory {
        /// Bytes that it needs, as estimated.
        needed: u64,
        /// Bytes that are available.
        available: u64,
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
    /// A part of the data has no pictures.
    #[error("there are no pictures to {purpose} on: {reason}")]
    NoPictures {
        /// What they are for: "train", "validate", "test".
        purpose: &'static str,
        /// Why there are none.
        reason: String,
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
    /// Whether the run failed because its training diverged, rather than because of what it was given.
    pub fn is_divergence(&self) -> bool {
        match self {
            RunError::Step { source: softnce_burn::Error::Loss(error), .. } => match error.kind() {
                ErrorKind::NonFinite => error.argument() == "logits",
                ErrorKind::Overflow | ErrorKind::Temperature => true,
                _ => false,
            },
            // The recipe's own temperature was in range: a learned one has left it.
            RunError::Loss(softnce_burn::Error::Loss(error)) => error.kind() == ErrorKind::Temperature,
            RunError::Metric(error) => matches!(error, MetricError::NonFiniteLogit { .. }),
            RunError::Diverged { .. } | RunError::Weight { .. } | RunError::Logit { .. } => true,
            _ => false,
        }
    }

    /// Names the step and its learning rate in an error that shows divergence; other errors stay as they are.
    pub(super) fn at(self, epoch: usize, step: usize, learning_rate: f64) -> RunError {
        let found = match self {
            RunError::Diverged { .. } => return self,
            RunError::Step { ref source, .. } if self.is_divergence() => without_advice(source),
            _ if self.is_divergence() => self.to_string(),
            _ => return self,
        };
        RunError::Diverged { epoch, step, learning_rate, found, kept: false }
    }

    /// Says of an error of a step whether there is a checkpoint from before it.
    pub(super) fn with_checkpoint(mut self, found: bool) -> RunError {
        if let RunError::Step { kept, .. } | RunError::Diverged { kept, .. } = &mut self {
            *kept = found;
        }
        self
    }

    /// Whether the recipe, the data or the folder was refused, rather than something that failed on the way.
    pub fn is_usage(&self) -> bool {
        match self {
            RunError::Store(error) | RunError::Weights(WeightsError::Store(error)) => error.is_usage(),
            RunError::Step { .. }
            | RunError::Metric(_)
            | RunError::Read { .. }
            | RunError::Pictures(_)
            | RunError::BadWeights { .. }
            | RunError::Loader(LoaderError::Picture { .. })
            | RunError::Report { .. } => false,
            _ => !self.is_divergence(),
        }
    }

    /// Whether the disk is full.
    pub fn is_full_disk(&self) -> bool {
        match self {
            RunError::Store(error) | RunError::Weights(WeightsError::Store(error)) => error.is_full_disk(),
            _ => false,
        }
    }

    pub(crate) fn read(what: &'static str, error: impl std::fmt::Debug) -> RunError {
        RunError::Read { what, reason: format!("{error:?}") }
    }
}

/// The end of a message on a step.
fn of_checkpoint(kept: bool) -> &'static str {
    if kept { "; the checkpoint before it is kept" } else { "" }
}

/// What the loss refused. Its advice on masked classes is left out: a training masks none.
fn without_advice(error: &softnce_burn::Error) -> String {
    match error {
        softnce_burn::Error::Loss(error) if error.kind() == ErrorKind::NonFinite => {
            let (argument, found) = (error.argument().to_owned(), error.found().to_owned());
            softnce::Error::new(error.kind(), argument, found, "a finite number").at(error.index()).to_string()
        }
        other => other.to_string(),
    }
}

fn gigabytes(bytes: u64) -> String {
    format!("{:.1} GB", bytes as f64 / 1e9)
}
