//! Burn modules for soft target InfoNCE and its family.
//!
//! On the CPU device (Flex) the kernels of the [`softnce`] crate run on the tensor's own memory, with a registered
//! backward pass; on every other device the same function is composed of tensor operations, so GPUs work. The two
//! agree, and [`ComputePath`] forces either.
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use softnce_burn::{LossConfig, LossKind, LossSettings, Targets};
//!
//! let device = Device::flex().autodiff();
//! let settings = LossSettings::new().with_temperature(0.5)?;
//! let loss = LossConfig::new(LossKind::SoftTargetInfoNce).with_settings(settings).init(&device);
//!
//! let logits = Tensor::<2>::from_floats([[2.0, 0.5, -1.0], [0.1, 0.2, 1.5]], &device).require_grad();
//! let targets = Targets::mixed(&[0, 2], &[1, 0], &[0.7, 0.9], 3, 0.1)?;
//! let gradients = loss.forward(logits.clone(), targets)?.backward();
//! assert_eq!(logits.grad(&gradients).unwrap().dims(), [2, 3]);
//! # Ok::<(), softnce_burn::Error>(())
//! ```

#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod batch;
mod error;
mod losses;
mod paths;

pub use batch::{LossBatch, LossTargets};
pub use error::Error;
pub use losses::{ComputePath, HeadOutput, HeadRows, LossConfig, LossModule};
pub use softnce::{ClassDraws, LossKind, LossSettings, NoiseDistribution, Reduction, Targets};
