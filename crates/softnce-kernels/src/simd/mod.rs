//! Vector code: the instruction sets and the choice among them at run time, vector operations, the exponential,
//! reductions.
//!
//! Kernels are written once, over [`pulp::Simd`] or as loops inside [`vectorised`], and compiled for every instruction set.

mod cells;
mod exp2;
mod float;
mod instructions;
mod lanes;
mod transpose;
mod vectors;

pub use cells::Cells;
pub use exp2::exp2;
pub use float::SimdFloat;
pub use instructions::Instructions;
pub use lanes::{add_to, exp, largest, sum, sums, vectorised};
pub use transpose::{Block, Cell, MapIn, MapOut, Transpose};
