//! Vector code, chosen at run time: the instruction sets, the operations the kernels need, the exponential.
//!
//! The kernels are written once over [`pulp::Simd`] and compiled for every instruction set; nothing here is unsafe.

mod cells;
mod exp2;
mod float;
mod instructions;
mod transpose;

pub use cells::Cells;
pub use float::SimdFloat;
pub use instructions::Instructions;
pub use transpose::{Block, BlockMut, Cell, ToGradient, ToScore, Turn};
