//! The operations on the CPU device, each a kernel with a backward rule.
//!
//! Each expects shapes that fit together, and returns `None` on other devices and for other types than `f32`.

mod add_relu;
mod attention;
mod batch_norm;
mod conv2d;
mod gelu;
mod layer_norm;
mod linear;
mod max_pool2d;

pub(super) use add_relu::add_relu;
pub(super) use attention::attention;
pub(super) use batch_norm::batch_norm;
pub(super) use conv2d::conv2d;
pub(super) use gelu::gelu;
pub(super) use layer_norm::layer_norm;
pub(super) use linear::linear;
pub(super) use max_pool2d::max_pool2d;
