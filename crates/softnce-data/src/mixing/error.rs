//! Why pictures could not be mixed.

/// A setting of the mixing, or a batch, that was refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MixingError {
    /// A setting is out of its range.
    #[error("{argument} is {value}, expected {expected}")]
    Setting {
        /// Name of the setting.
        argument: &'static str,
        /// Value that came.
        value: f64,
        /// Range that was expected, in words.
        expected: &'static str,
    },
    /// Pixels, their shape and the labels do not go together.
    #[error(
        "{found} pixels and {labels} labels for shape {shape:?}, expected n x channels x height x width pixels and n \
         labels, n at least 1"
    )]
    Shape {
        /// Number of pixel values that came.
        found: usize,
        /// Shape that came.
        shape: [usize; 4],
        /// Number of labels that came.
        labels: usize,
    },
    /// A label or a label row was refused.
    #[error(transparent)]
    Targets(#[from] softnce::Error),
}
