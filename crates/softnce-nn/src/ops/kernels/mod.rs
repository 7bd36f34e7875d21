//! The arithmetic of the fused operations, on slices of `f32`, with nothing of Burn.
//!
//! Work is divided among threads in blocks that the shapes alone fix, and every sum runs inside one block or over the
//! blocks in order: the results have the same bits at any number of threads.

pub(in crate::ops) mod add_relu;
pub(in crate::ops) mod attention;
pub(in crate::ops) mod batch_norm;
pub(in crate::ops) mod conv;
pub(in crate::ops) mod gelu;
mod lanes;
pub(in crate::ops) mod layer_norm;
pub(in crate::ops) mod linear;
mod product;
