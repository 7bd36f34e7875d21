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
    /// The kernels were asked for on a device other than the CPU device Flex.
    #[error("the kernel path was asked for on {device}, expected the CPU device Flex (or the tensor path)")]
    Device {
        /// Device of the logits.
        device: String,
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
