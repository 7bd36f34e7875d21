//! The error type of the Burn modules.

use burn::tensor::DType;

/// Why a loss module could not be built or called.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An argument was refused, with its value and what was expected.
    #[error(transparent)]
    Loss(#[from] softnce::Error),
    /// A tensor has a type the losses cannot take.
    #[error("{argument} is of type {found:?}, expected one of f16, bf16, f32 and f64")]
    DType {
        /// Name of the argument.
        argument: &'static str,
        /// Type that came.
        found: DType,
    },
    /// A tensor has another type than one it goes with.
    #[error("{argument} is of type {found:?}, expected {expected:?}, as the features are")]
    OtherDType {
        /// Name of the argument.
        argument: &'static str,
        /// Type that came.
        found: DType,
        /// Type that was expected.
        expected: DType,
    },
    /// A tensor is on another device than expected.
    #[error("{argument} on {found}, expected {expected}")]
    Device {
        /// Name of the argument.
        argument: &'static str,
        /// Device that came.
        found: String,
        /// Device that was expected, in words.
        expected: String,
    },
    /// A tensor could not be read back from its device.
    #[error("{argument} could not be read from its device: {reason}")]
    Read {
        /// Name of the argument.
        argument: &'static str,
        /// What the device said.
        reason: String,
    },
}
