//! Networks as Burn modules. [`NetworkConfig::KINDS`] lists them.
//!
//! Module fields have the names that timm and torchvision use, so the path of a parameter in the module tree is its
//! name in their checkpoints. Parameter ids are hashes of these names: two networks of one configuration have the same
//! ids in every process, so that saved optimiser state finds its parameters. Initial weights are drawn on the host from
//! the caller's generator in a fixed order, and are the same on every device.
//!
//! **Training and evaluation.** A network built on `device.autodiff()` records a graph in [`Network::forward_train`]
//! and in [`Network::forward`]. For evaluation without a graph, use `network.valid()` (of [`burn::module::Module`]; it
//! shares the memory of the weights) and pictures on the plain device. Running statistics are values of the network,
//! not parameters: optimisers and visitors do not see them, and a clone has its own.

mod architecture;
mod error;
mod freeze;
mod frozen;
mod layers;
mod library;
mod linear;
mod mlp;
mod names;
mod network;
mod resnet;
mod running;
mod size;
#[cfg(test)]
mod tests;
mod vit;

pub use architecture::NetworkKind;
pub use error::NetworkError;
pub use freeze::Freeze;
pub use layers::HeadKind;
pub use library::Library;
pub use linear::{LinearConfig, LinearNetwork};
pub use mlp::{Mlp, MlpConfig};
pub(crate) use names::ModulePath;
pub use network::{Network, NetworkConfig};
pub use resnet::{Resnet, ResnetConfig, ResnetForm, Shortcut};
pub use running::{BatchStatistics, Running, RunningUpdates};
pub use vit::{Pool, Vit, VitConfig, VitPreset};
