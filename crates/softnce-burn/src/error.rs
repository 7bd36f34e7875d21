//! The error type of the Burn modules.

/// Why a loss module could not be called.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An argument was refused; the error names it, what was found and what was expected.
    #[error(transparent)]
    Loss(#[from] softnce::Error),
    /// A tensor could not be read back from its device.
    #[error("{argument} could not be read from its device: {reason}")]
    Read {
        /// Name of the argument.
        argument: &'static str,
        /// What the device said.
        reason: String,
    },
}
