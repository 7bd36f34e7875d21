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

#[cfg(test)]
mod tests {
    use pulp::WithSimd;

    use super::*;
    use crate::simd::Instructions;

    /// Writes 2 c to the first vector of cell c and 2 c + 1 to the second; gives the number of lanes.
    struct Number<'c, A>(&'c mut Cells, std::marker::PhantomData<A>);

    impl<A: SimdFloat> WithSimd for Number<'_, A> {
        type Output = usize;

        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) -> usize {
            let numbers = |cell: usize| [2 * cell, 2 * cell + 1].map(|n| A::splat(simd, A::from(n).unwrap()));
            self.0.cells::<A, S>().iter_mut().enumerate().for_each(|(cell, vectors)| *vectors = numbers(cell));
            A::lanes::<S>()
        }
    }

    fn check<A: SimdFloat>(instructions: Instructions, len: usize) {
        const MOST_LANES: usize = 16;
        let mut cells = Cells::new::<A>(len, MOST_LANES);
        assert_eq!(cells.0.as_ptr().align_offset(64), 0);
        assert!(cells.values::<A>().len() >= 2 * len * MOST_LANES);
        assert!(cells.values::<A>().iter().all(|value| *value == A::zero()));
        let lanes = instructions.run(Number(&mut cells, std::marker::PhantomData::<A>));
        let numbered = |(at, value): (usize, &A)| *value == A::from(at / lanes).unwrap();
        assert!(cells.values::<A>().iter().enumerate().all(numbered), "{instructions}, {len} cells");
        cells.values_mut::<A>().fill(A::one());
        assert!(cells.values::<A>().iter().all(|value| *value == A::one()));
    }

    #[test]
    fn values_lie_in_the_order_of_the_cells() {
        for instructions in Instructions::available() {
            for len in [1, 2, 3, 5, 8, 13] {
                check::<f32>(instructions, len);
                check::<f64>(instructions, len);
            }
        }
    }
}
