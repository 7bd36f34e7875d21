//! Why there are no such candidates.

/// A setting or a queue's state that was refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CandidateError {
    /// A number of candidates is out of its range.
    #[error("{argument} is {value}, expected 1 to {most} candidates")]
    Size {
        /// Name of the setting.
        argument: &'static str,
        /// Value that came.
        value: usize,
        /// Largest number allowed.
        most: usize,
    },
    /// Targets have another number of classes than the queue.
    #[error("targets have {found} classes, expected {expected} as the queue has")]
    Classes {
        /// Number that came.
        found: usize,
        /// Number of the queue.
        expected: usize,
    },
    /// The parts of a queue's state do not go together.
    #[error("queue state: {argument} has {found} values, expected {expected}")]
    State {
        /// Name of the part.
        argument: &'static str,
        /// Number of values that came.
        found: usize,
        /// What was expected, in words.
        expected: String,
    },
    /// A target was refused.
    #[error(transparent)]
    Targets(#[from] softnce::Error),
}
