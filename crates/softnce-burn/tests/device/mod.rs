//! The device under test: the CPU, or with the feature `cuda` the first NVIDIA GPU.

use burn::tensor::Device;
use softnce_burn::ComputePath;

/// Without autodiff.
pub fn plain() -> Device {
    #[cfg(feature = "cuda")]
    return Device::cuda(0);
    #[cfg(not(feature = "cuda"))]
    Device::flex()
}

/// The ways to compute a loss there: the kernels are the CPU's.
#[cfg(not(feature = "cuda"))]
pub const PATHS: [ComputePath; 2] = [ComputePath::Kernel, ComputePath::Tensor];
#[cfg(feature = "cuda")]
pub const PATHS: [ComputePath; 2] = [ComputePath::Auto, ComputePath::Tensor];
