//! Weights by name: timm's and torchvision's names in PyTorch's layouts, in and out of files.
//!
//! [`named`] and [`apply`] take a network apart and put it together again; [`import`] fits a checkpoint made elsewhere,
//! for another head or another size of pictures; [`layer_of`] and [`decays`] say how an optimiser treats a parameter.

mod error;
mod file;
mod groups;
mod import;
mod layout;
mod named;
mod resample;
#[cfg(test)]
mod tests;

pub use error::WeightsError;
pub use file::{read_checkpoint, read_metadata, write_safetensors};
pub use groups::{decays, layer_of, layers};
pub use import::{HeadImport, ImportOptions, ImportReport, import};
pub use named::{NamedTensor, apply, named, parameter_ids, shapes};
