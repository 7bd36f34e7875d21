//! Why there is no loader, or no next batch.

use std::error::Error;

use crate::mixing::MixingError;
use crate::pictures::AugmentationError;

/// A set-up that was refused, or a batch that could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoaderError {
    /// A setting is out of its range.
    #[error("{argument} is {value}, expected {expected}")]
    Setting {
        /// Name of the setting.
        argument: &'static str,
        /// Value that came.
        value: usize,
        /// Range that was expected, in words.
        expected: &'static str,
    },
    /// There is no batch in an epoch.
    #[error(
        "{pictures} pictures make no batch of {batch_size}, expected at least one picture, and a full batch where the \
         last one is dropped"
    )]
    TooFew {
        /// Number of pictures.
        pictures: usize,
        /// Pictures a batch.
        batch_size: usize,
    },
    /// The label distributions do not go with the pictures.
    #[error("soft labels have shape {found:?}, expected {expected:?} (pictures, classes)")]
    SoftLabels {
        /// Shape that came.
        found: (usize, usize),
        /// Shape that was expected.
        expected: (usize, usize),
    },
    /// A label or a label distribution was refused; its row is the picture's number.
    #[error(transparent)]
    Targets(#[from] softnce::Error),
    /// A picture could not be read or decoded.
    #[error("{picture}: {source}")]
    Picture {
        /// What the source calls it.
        picture: String,
        /// What went wrong.
        source: Box<dyn Error + Send + Sync>,
    },
    /// A picture could not be augmented.
    #[error("{picture}: {source}")]
    Augmentation {
        /// What the source calls it.
        picture: String,
        /// What went wrong.
        source: AugmentationError,
    },
    /// A batch could not be mixed.
    #[error(transparent)]
    Mixing(#[from] MixingError),
    /// The code that made a batch panicked.
    #[error("{place}: panicked: {message}; this is a bug, expected a batch or an error")]
    Panic {
        /// What was being made.
        place: String,
        /// The panic's message.
        message: String,
    },
}
