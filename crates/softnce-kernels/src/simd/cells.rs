//! Working memory that vectors lie straight in: no load or store crosses a cache line.

use bytemuck::{Pod, Zeroable, cast_slice, cast_slice_mut};
use pulp::Simd;

use super::{Cell, SimdFloat};

/// As much as the widest vector, at an address of that size.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C, align(64))]
struct CacheLine([u8; 64]);

/// A buffer of cells, zero at first.
pub struct Cells(Vec<CacheLine>);

impl Cells {
    /// Room for so many cells of vectors with so many lanes.
    pub fn new<A: SimdFloat>(len: usize, lanes: usize) -> Self {
        let bytes = 2 * len * lanes * size_of::<A>();
        Cells(bytemuck::zeroed_vec(bytes.div_ceil(size_of::<CacheLine>())))
    }

    /// The cells, and the same behind them where they do not fill the last cache line.
    pub fn cells<A: SimdFloat, S: Simd>(&mut self) -> &mut [Cell<A, S>] {
        let values: &mut [A::Vector<S>] = cast_slice_mut(&mut self.0);
        values.as_chunks_mut().0
    }

    /// Score of a class in a lane, the second of the pair is the sum: `values()[(2 class + which) lanes + lane]`.
    pub fn values<A: SimdFloat>(&self) -> &[A] {
        cast_slice(&self.0)
    }

    /// The same, to be written.
    pub fn values_mut<A: SimdFloat>(&mut self) -> &mut [A] {
        cast_slice_mut(&mut self.0)
    }
}
