//! Vector code, chosen at run time: the instruction sets, the operations the kernels need, the exponential.
//!
//! The kernels are written once over [`pulp::Simd`] and compiled for every instruction set; nothing here is unsafe.

mod cells;
mod exp2;
mod float;
mod instructions;
mod transpose;

pub(crate) use cells::Cells;
pub use float::SimdFloat;
pub use instructions::Instructions;
#[doc(hidden)]
pub use transpose::{Block, BlockMut, Cell, ToGradient, ToScore, Turn};
