//! Why a picture could not be prepared.

/// A setting of the augmentation, or a picture, that was refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AugmentationError {
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
    /// Two settings that exclude each other.
    #[error("{first} and {second} are both given, expected at most one of them")]
    Exclusive {
        /// One setting.
        first: &'static str,
        /// The other.
        second: &'static str,
    },
    /// A RandAugment string that says nothing.
    #[error("train.rand_augment {text:?}: {section:?}, expected {expected}")]
    RandAugment {
        /// The whole string.
        text: String,
        /// The section that was not understood.
        section: String,
        /// What was expected in its place.
        expected: &'static str,
    },
    /// A picture whose values do not match its size.
    #[error(
        "picture of {height} x {width} with {channels} channels has {values} values, expected 1 or 3 channels and \
         height x width x channels values, at least one"
    )]
    Picture {
        /// Height that came.
        height: usize,
        /// Width that came.
        width: usize,
        /// Channels that came.
        channels: usize,
        /// Number of values that came.
        values: usize,
    },
    /// The slice to be written has the wrong length.
    #[error("output has {found} values, expected {expected} (channels x height x width)")]
    Output {
        /// Length that came.
        found: usize,
        /// Length that was expected.
        expected: usize,
    },
    /// The resizer refused a picture.
    #[error("cannot resize a picture of {height} x {width}: {reason}")]
    Resize {
        /// Height of the picture.
        height: usize,
        /// Width of the picture.
        width: usize,
        /// What the resizer said.
        reason: String,
    },
}
