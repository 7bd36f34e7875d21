//! The operations on the CPU device, each a kernel with a backward rule.
//!
//! Each returns nothing where it does not apply: on another device, for another type than `f32`, or for shapes that do
//! not fit together, about which the composed twin then speaks.

mod add_relu;
mod attention;
mod batch_norm;
mod conv2d;
mod gelu;
mod layer_norm;
mod linear;

pub(super) use add_relu::add_relu;
pub(super) use attention::attention;
pub(super) use batch_norm::batch_norm;
pub(super) use conv2d::conv2d;
pub(super) use gelu::gelu;
pub(super) use layer_norm::layer_norm;
pub(super) use linear::linear;
