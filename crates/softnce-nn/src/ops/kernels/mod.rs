//! The arithmetic of the fused operations, on slices of `f32`, with nothing of Burn.
//!
//! Work is divided among threads in blocks whose size depends on the shapes alone. Every sum runs inside one block or over
//! the blocks in order, so the results have the same bits with any number of threads.

pub(in crate::ops) mod add_relu;
pub(in crate::ops) mod attention;
pub(in crate::ops) mod batch_norm;
pub(in crate::ops) mod conv;
mod each;
pub(in crate::ops) mod gelu;
pub(in crate::ops) mod layer_norm;
pub(in crate::ops) mod linear;
pub(in crate::ops) mod max_pool;
mod normal;

/// Values of a task of an operation on single values: small enough for the nearest caches, large enough to be worth a
/// task.
const CHUNK: usize = 1 << 13;
