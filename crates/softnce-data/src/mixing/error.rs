//! Errors of the mixing.

/// Why a setting of the mixing or a batch is refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MixingError {
    /// A setting is out of its range.
    #[error("{argument} is {value}, expected {expected}")]
    Setting {
        /// Name of the setting.
        argument: &'static str,
        /// Its value.
        value: f64,
        /// What was expected.
        expected: &'static str,
    },
    /// Pixels, shape and labels contradict each other.
    #[error(
        "{found} pixel values and {labels} labels for shape {shape:?}; expected n x channels x height x width values and \
         n labels, with n at least 1"
    )]
    Shape {
        /// Number of pixel values.
        found: usize,
        /// The shape.
        shape: [usize; 4],
        /// Number of labels.
        labels: usize,
    },
    /// A label or a label distribution is refused.
    #[error(transparent)]
    Targets(#[from] softnce::Error),
}
