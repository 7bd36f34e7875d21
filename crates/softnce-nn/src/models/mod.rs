//! Networks as Burn modules: a perceptron, residual networks and vision transformers.
//!
//! Module fields carry the names of timm and torchvision, so that a parameter's path in the module tree is its name in
//! their checkpoints. Parameter ids are derived from these names: two networks of one configuration, in whatever
//! process, have the same ids, and optimiser state finds its parameter again. Weights come from the caller's generator
//! in a fixed order, on the host, and are the same on every device.
//!
//! **Training and evaluation.** A network made on `device.autodiff()` records a graph in
//! [`Network::forward_train`] and in [`Network::forward`]. For evaluation without a graph take `network.valid()`
//! (of [`burn::module::Module`]; it shares the memory of the weights) and pictures on the plain device. Running
//! statistics are values of the network, not parameters: optimisers and visitors do not see them, a clone keeps its own.

mod error;
mod layers;
mod mlp;
mod names;
mod network;
mod resnet;
mod running;
#[cfg(test)]
mod tests;
mod vit;

pub use error::NetworkError;
pub use layers::HeadKind;
pub use mlp::{Mlp, MlpConfig};
pub(crate) use names::Path;
pub use network::{Network, NetworkConfig};
pub use resnet::{Resnet, ResnetConfig, Shortcut};
pub use running::{BatchStatistics, Running, RunningUpdates};
pub use vit::{Pool, Vit, VitConfig, VitPreset};
