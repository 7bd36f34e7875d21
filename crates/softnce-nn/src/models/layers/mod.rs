//! Layers that the networks share.

mod batch_norm;
mod convolution;
mod head;
mod init;
mod layer_norm;
mod linear;
mod pass;

pub(super) use batch_norm::BatchNorm;
pub(super) use convolution::Convolution;
pub use head::HeadKind;
pub(super) use head::{ClassifierHead, HeadConfig};
pub(super) use init::Init;
pub(super) use layer_norm::LayerNorm;
pub(super) use linear::Linear;
pub(super) use pass::ForwardPass;
