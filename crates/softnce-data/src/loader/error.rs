//! Errors of the loader.

use std::error::Error;

use crate::augmentation::AugmentationError;
use crate::mixing::MixingError;

/// Why a loader cannot be built, or a batch cannot be prepared.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoaderError {
    /// A setting is out of its range.
    #[error("{argument} is {value}, expected {expected}")]
    Setting {
        /// Name of the setting.
        argument: &'static str,
        /// Its value.
        value: usize,
        /// What was expected.
        expected: &'static str,
    },
    /// The pictures do not fill one batch.
    #[error(
        "{pictures} pictures do not make a batch of {batch_size}; expected at least one picture, and at least a full batch \
         if drop_last is set"
    )]
    TooFew {
        /// Number of pictures.
        pictures: usize,
        /// Pictures in a batch.
        batch_size: usize,
    },
    /// The label distributions do not fit the pictures.
    #[error("soft labels have shape {found:?}, expected {expected:?} (pictures, classes)")]
    SoftLabels {
        /// Their shape.
        found: (usize, usize),
        /// Shape that was expected.
        expected: (usize, usize),
    },
    /// A label or label distribution is refused; its row is the number of the picture.
    #[error(transparent)]
    Targets(#[from] softnce::Error),
    /// A picture could not be read or decoded.
    #[error("{}", once(picture, source))]
    Picture {
        /// The picture, as its source describes it.
        picture: String,
        /// What went wrong.
        source: Box<dyn Error + Send + Sync>,
    },
    /// A picture could not be augmented.
    #[error("{picture}: {source}")]
    Augmentation {
        /// The picture, as its source describes it.
        picture: String,
        /// What went wrong.
        source: AugmentationError,
    },
    /// A batch could not be mixed.
    #[error(transparent)]
    Mixing(#[from] MixingError),
    /// The code that prepares a batch panicked.
    #[error("{place}: panicked: {message}; this is a bug")]
    Panic {
        /// What was being prepared.
        place: String,
        /// The panic's message.
        message: String,
    },
}

impl LoaderError {
    /// The error without the name of the picture.
    pub fn reason(&self) -> String {
        let (name, text) = match self {
            LoaderError::Picture { picture, source } => (picture, source.to_string()),
            LoaderError::Augmentation { picture, source } => (picture, source.to_string()),
            LoaderError::Panic { place, message } => (place, format!("panicked: {message}; this is a bug")),
            other => return other.to_string(),
        };
        let rest = text.strip_prefix(name.as_str()).unwrap_or(&text);
        rest.trim_start_matches([':', ',', ' ']).to_owned()
    }
}

/// The error with the name of the picture in front, unless it begins with that name.
fn once(picture: &str, error: &impl std::fmt::Display) -> String {
    let text = error.to_string();
    if text.starts_with(picture) { text } else { format!("{picture}: {text}") }
}
