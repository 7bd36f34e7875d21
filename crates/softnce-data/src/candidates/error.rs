//! Errors of the candidates beyond the batch.

/// Why a setting or the state of a queue is refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CandidateError {
    /// A number of candidates is out of its range.
    #[error("{argument} is {value}, expected 1 to {most} candidates")]
    Size {
        /// Name of the setting.
        argument: &'static str,
        /// Its value.
        value: usize,
        /// Largest number allowed.
        most: usize,
    },
    /// The targets and the queue have different numbers of classes.
    #[error("targets have {found} classes, expected the queue's {expected}")]
    Classes {
        /// Classes of the targets.
        found: usize,
        /// Classes of the queue.
        expected: usize,
    },
    /// The parts of a queue's state contradict each other.
    #[error("queue state: {argument} has {found} values, expected {expected}")]
    State {
        /// Name of the part.
        argument: &'static str,
        /// Number of values in it.
        found: usize,
        /// What was expected.
        expected: String,
    },
    /// The targets are refused.
    #[error(transparent)]
    Targets(#[from] softnce::Error),
}
