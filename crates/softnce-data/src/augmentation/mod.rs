//! From a decoded picture to normalised pixels: one file per operation, combined by [`Augmentation`].

mod channels;
mod config;
mod cover;
mod erasing;
mod error;
mod normalisation;
mod pipeline;
mod rand_augment;
mod resize;
mod resized_crop;
mod two_pass;
mod window;
mod workspace;

#[cfg(test)]
mod tests;

pub use config::{AugmentationConfig, EvaluationConfig, RandomCropConfig, RandomResizedCropConfig, TrainConfig};
pub use erasing::{ErasingConfig, ErasingMode};
pub use error::AugmentationError;
pub use normalisation::{ChannelStatistics, NamedNormalisation, Normalisation};
pub use pipeline::Augmentation;
pub use resize::{Interpolation, resize};
