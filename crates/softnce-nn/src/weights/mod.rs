//! Weights under timm's and torchvision's names and in PyTorch's shapes, to and from files.
//!
//! [`named`] reads the tensors of a network and [`apply`] sets them; [`import`] fits a checkpoint of another program,
//! head or picture size to a network; [`layer_of`] and [`decays`] say how an optimiser treats a parameter.

mod error;
mod file;
mod groups;
mod import;
mod named;
mod resample;
#[cfg(test)]
mod tests;
mod torch;

pub use error::WeightsError;
pub use file::{read_checkpoint, read_metadata, write_safetensors};
pub use groups::{decays, layer_of, layers};
pub use import::{HeadImport, ImportOptions, ImportReport, import};
pub use named::{NamedTensor, apply, named, parameter_ids, shapes};
