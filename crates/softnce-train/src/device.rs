//! The device a run computes on.

use std::panic::catch_unwind;

use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

/// A kind of device; all but the CPU need the feature of the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, strum::Display, strum::EnumString)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case", parse_err_ty = DeviceError, parse_err_fn = unknown_name)]
pub enum DeviceName {
    /// The CPU, through Burn's Flex and the kernels of this project.
    #[default]
    Cpu,
    /// An NVIDIA GPU through CUDA.
    Cuda,
    /// A GPU through Vulkan.
    Vulkan,
    /// An Apple GPU through Metal.
    Metal,
    /// An AMD GPU through ROCm.
    Rocm,
}

/// Why there is no such device.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// The name is none of a device.
    #[error("device is {found:?}, expected cpu, cuda, vulkan, metal or rocm")]
    Name {
        /// The name that came.
        found: String,
    },
    /// It does not answer.
    #[error("device is {name}, but none answers ({reason}): is there one, with its vendor's driver?")]
    NotThere {
        /// The device asked for.
        name: DeviceName,
        /// Why there is no answer.
        reason: String,
    },
    /// The program was built without it.
    #[error("device is {name}, but this program was built without it: build it with --features {name}")]
    NotBuilt {
        /// The device asked for.
        name: DeviceName,
    },
}

impl DeviceName {
    /// Opens the device, without autodiff; of several GPUs the first.
    ///
    /// # Errors
    /// [`DeviceError::NotBuilt`] without the feature of the device, [`DeviceError::NotThere`] where it does not answer.
    pub fn open(self) -> Result<Device, DeviceError> {
        let device = self.built()?;
        // Burn panics at the first tensor on a device without its driver.
        match catch_unwind(|| Tensor::<1>::zeros([1], &device).try_into_scalar::<f32>()) {
            Ok(Ok(_)) => Ok(device),
            Ok(Err(error)) => Err(DeviceError::NotThere { name: self, reason: error.to_string() }),
            Err(_) => Err(DeviceError::NotThere { name: self, reason: "its library stopped".into() }),
        }
    }

    fn built(self) -> Result<Device, DeviceError> {
        match self {
            DeviceName::Cpu => Ok(Device::flex()),
            #[cfg(feature = "cuda")]
            DeviceName::Cuda => Ok(Device::cuda(0)),
            #[cfg(feature = "vulkan")]
            DeviceName::Vulkan => Ok(Device::vulkan(burn::tensor::DeviceKind::DefaultDevice)),
            #[cfg(feature = "metal")]
            DeviceName::Metal => Ok(Device::metal(burn::tensor::DeviceKind::DefaultDevice)),
            #[cfg(feature = "rocm")]
            DeviceName::Rocm => Ok(Device::rocm(0)),
            #[allow(unreachable_patterns, reason = "reachable unless every feature is on")]
            name => Err(DeviceError::NotBuilt { name }),
        }
    }
}

/// Whether values on this device, with or without autodiff, can be read without waiting: those of the CPU.
pub(crate) fn is_cpu(device: &Device) -> bool {
    device.clone().without_autodiff() == Device::flex()
}

fn unknown_name(found: &str) -> DeviceError {
    DeviceError::Name { found: found.to_owned() }
}
