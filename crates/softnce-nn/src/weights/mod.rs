//! Weights under timm's and torchvision's names and in PyTorch's shapes, to and from files.
//!
//! [`named`] reads the tensors of a network and [`apply`] sets them; [`import`] fits a checkpoint of another program,
//! head or picture size to a network; [`layer_of`] and [`decays`] say how an optimiser treats a parameter.

mod checkpoint;
mod error;
mod groups;
mod import;
mod listing;
mod named;
mod onnx;
mod recognised;
mod resample;
mod select;
#[cfg(test)]
mod tests;
mod torch;
mod torchvision;
mod written;

pub use checkpoint::{Checkpoint, read_checkpoint, read_metadata};
pub use error::WeightsError;
pub use groups::{decays, layer_of, layers};
pub use import::{HeadImport, ImportOptions, ImportReport, import};
pub use listing::Listed;
pub use named::{NamedTensor, apply, named, parameter_ids, shapes};
pub use onnx::write_onnx;
pub use torchvision::with_torchvision_names;
pub use written::write_safetensors;
