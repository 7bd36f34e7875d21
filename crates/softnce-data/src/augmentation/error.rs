//! Errors of the augmentation.

/// Why a setting of the augmentation or a picture is refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AugmentationError {
    /// A setting is out of its range.
    #[error("{argument} is {value}, expected {expected}")]
    Setting {
        /// Name of the setting.
        argument: &'static str,
        /// Its value.
        value: String,
        /// What was expected.
        expected: &'static str,
    },
    /// Two settings that exclude each other.
    #[error("{first} and {second} are both given; set at most one of them")]
    Exclusive {
        /// One setting.
        first: &'static str,
        /// The other.
        second: &'static str,
    },
    /// A RandAugment string that cannot be parsed.
    #[error("train.rand_augment \"{text}\": \"{section}\"; expected {expected}")]
    RandAugment {
        /// The whole string.
        text: String,
        /// The section that cannot be parsed.
        section: String,
        /// What was expected instead.
        expected: &'static str,
    },
    /// A picture whose values do not match its size.
    #[error(
        "a picture of {height} x {width} with {channels} channels has {values} values; expected 1 or 3 channels and \
         height x width x channels values, at least one"
    )]
    Picture {
        /// Its height.
        height: usize,
        /// Its width.
        width: usize,
        /// Its channels.
        channels: usize,
        /// Number of its values.
        values: usize,
    },
    /// The output slice has the wrong length.
    #[error("the output has {found} values; expected {expected} (channels x height x width)")]
    Output {
        /// Its length.
        found: usize,
        /// The expected length.
        expected: usize,
    },
    /// The resizer refused a picture.
    #[error("cannot resize a picture of {height} x {width}: {reason}")]
    Resize {
        /// Height of the picture.
        height: usize,
        /// Width of the picture.
        width: usize,
        /// The error of the resizer.
        reason: String,
    },
}

/// The error of a setting out of its range.
pub(super) fn refuse<T>(argument: &'static str, value: String, expected: &'static str) -> Result<T, AugmentationError> {
    Err(AugmentationError::Setting { argument, value, expected })
}
