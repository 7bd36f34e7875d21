//! Working memory aligned to cache lines, so that no load or store of a vector crosses a cache line boundary.

use bytemuck::{Pod, Zeroable, cast_slice, cast_slice_mut};
use pulp::Simd;

use super::{Cell, SimdFloat};

/// As large as the widest vector, and aligned to its size.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C, align(64))]
struct CacheLine([u8; 64]);

/// A buffer of cells, at first 0.
pub struct Cells(Vec<CacheLine>);

impl Cells {
    /// Room for `len` cells of vectors with `lanes` lanes.
    pub fn new<A: SimdFloat>(len: usize, lanes: usize) -> Self {
        let bytes = 2 * len * lanes * size_of::<A>();
        Cells(bytemuck::zeroed_vec(bytes.div_ceil(size_of::<CacheLine>())))
    }

    /// The cells. There may be more than were asked for, because whole cache lines are allocated.
    pub fn cells<A: SimdFloat, S: Simd>(&mut self) -> &mut [Cell<A, S>] {
        let values: &mut [A::Vector<S>] = cast_slice_mut(&mut self.0);
        values.as_chunks_mut().0
    }

    /// All values: vector `which` (0 or 1) of cell c has its lanes at `values()[(2 c + which) lanes + lane]`.
    pub fn values<A: SimdFloat>(&self) -> &[A] {
        cast_slice(&self.0)
    }

    /// As [`Cells::values`], for writing.
    pub fn values_mut<A: SimdFloat>(&mut self) -> &mut [A] {
        cast_slice_mut(&mut self.0)
    }
}
