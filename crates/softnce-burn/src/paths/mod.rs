//! The two implementations: the core crate's kernels on the CPU device, tensor operations on any.

mod attach;
mod checks;
mod kernel;
mod positives;
mod segment;
mod tensor;
mod uploads;

use burn::backend::DispatchDevice;
use burn::tensor::Tensor;
use softnce::{LossKind, LossSettings};

pub(crate) use kernel::kernel;
pub(crate) use tensor::tensor;

/// One call of a loss, without its tensors.
pub(crate) struct Call {
    pub(crate) kind: LossKind,
    /// With the current temperature; on the tensor path without checks, a learned temperature has its starting value
    /// here, because reading it waits for the device.
    pub(crate) settings: LossSettings,
    /// The temperature's logarithm, where it is learned. Shape `[1]`.
    pub(crate) log_temperature: Option<Tensor<1>>,
    pub(crate) check_values: bool,
    /// Whether the kernels search dense rows for their compact form.
    pub(crate) recognise: bool,
}

/// Whether the tensor lives on the CPU device Flex.
pub(crate) fn on_cpu(tensor: &Tensor<2>) -> bool {
    matches!(tensor.device().without_autodiff().as_dispatch(), DispatchDevice::Flex(_))
}
