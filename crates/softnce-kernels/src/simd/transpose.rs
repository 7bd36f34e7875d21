//! Transposes a block of rows (as many rows as a vector has lanes) so that each column becomes one vector, and
//! transposes it back.
//!
//! A cell holds two vectors of one column, with a lane for each row of the block: an input, and a sum that a kernel
//! adds to. Kernels thus read and add to columns without gathers and scatters. The two vectors lie side by side, so a
//! store to a sum and a load of an input of another cell never have the same low address bits. This avoids 4K aliasing:
//! a CPU first compares only the low bits of the addresses, assumes that the load depends on the store, and waits. On
//! x86, shuffles transpose squares of 8 x 8 (`f32`) or 4 x 4 (`f64`); other CPUs copy lane by lane.

use bytemuck::{cast_slice, cast_slice_mut};
use pulp::Simd;

use super::SimdFloat;
#[cfg(any(target_arch = "x86_64", target_arch = "x86"))]
use super::instructions::avx2;

/// Rows of a matrix, from the column `first` on.
#[derive(Clone, Copy)]
pub struct Block<'b, A> {
    /// All rows of the matrix.
    pub values: &'b [A],
    /// Values from the beginning of a row to that of the next.
    pub stride: usize,
    /// Number of rows of the block.
    pub rows: usize,
    /// First column of the block.
    pub first: usize,
}

/// As [`Block`], for writing.
pub struct BlockMut<'b, A> {
    /// All rows of the matrix.
    pub values: &'b mut [A],
    /// Values from the beginning of a row to that of the next.
    pub stride: usize,
    /// Number of rows of the block.
    pub rows: usize,
    /// First column of the block.
    pub first: usize,
}

/// Map of the values on their way into lanes: `(z - origin) rate + shift`.
#[derive(Clone, Copy)]
pub struct ToScore<'t, A> {
    /// By row.
    pub origins: &'t [A],
    /// The same for all.
    pub rate: A,
    /// By column.
    pub shift: Option<&'t [A]>,
}

/// Map of the sums on their way out of lanes: `(x share + floor) scale`.
#[derive(Clone, Copy)]
pub struct ToGradient<'t, A> {
    /// By row.
    pub shares: &'t [A],
    /// By row.
    pub floors: &'t [A],
    /// By row.
    pub scales: &'t [A],
}

/// One column of a block, one row per lane: the inputs, and a sum.
pub type Cell<A, S> = [<A as SimdFloat>::Vector<S>; 2];

/// A float type whose rows can be moved into cells and back.
pub trait Turn: SimdFloat {
    /// Writes columns of a block into the inputs of cells. Lanes beyond the block's rows repeat its last row.
    fn cells_of_columns<S: Simd>(simd: S, block: Block<'_, Self>, to: ToScore<'_, Self>, cells: &mut [Cell<Self, S>]);

    /// Writes the sums of cells into columns of the block's rows. Lanes beyond the rows are ignored.
    fn columns_of_cells<S: Simd>(simd: S, cells: &[Cell<Self, S>], to: ToGradient<'_, Self>, block: BlockMut<'_, Self>);
}

macro_rules! turn {
    ($type:ty, $vectors:ident, $square:literal, $tile:path) => {
        impl Turn for $type {
            #[inline(always)]
            fn cells_of_columns<S: Simd>(
                simd: S,
                block: Block<'_, Self>,
                to: ToScore<'_, Self>,
                cells: &mut [Cell<Self, S>],
            ) {
                let lanes = Self::lanes::<S>();
                let columns = cells.len();
                let cells: &mut [Self] = cast_slice_mut(cells);
                #[allow(unused_mut, unused_assignments)]
                let mut done = 0;
                #[cfg(any(target_arch = "x86_64", target_arch = "x86"))]
                if let Some(simd) = avx2(simd) {
                    done = columns - columns % $square;
                    for half in 0..lanes / $square {
                        let offset = half * $square;
                        let origins: [Self; $square] = std::array::from_fn(|row| to.origins[offset + row]);
                        let (origins, rate) = (pulp::cast(origins), Self::splat(simd, to.rate));
                        let rows: [&[Self]; $square] = std::array::from_fn(|row| block.row(offset + row, done));
                        for column in (0..done).step_by($square) {
                            let rows =
                                rows.map(|row| Self::vectors::<pulp::x86::V3>(&row[column..column + $square]).0[0]);
                            let square = $tile(simd, rows);
                            for (line, z) in square.into_iter().enumerate() {
                                let score = Self::v_mul(simd, Self::v_sub(simd, z, origins), rate);
                                let score = match to.shift {
                                    Some(shift) => Self::v_add(simd, score, Self::splat(simd, shift[column + line])),
                                    None => score,
                                };
                                let at = (column + line) * 2 * lanes + offset;
                                Self::vectors_mut::<pulp::x86::V3>(&mut cells[at..at + $square]).0[0] = score;
                            }
                        }
                    }
                }
                let _ = simd;
                for column in done..columns {
                    let shift = to.shift.map_or(0.0, |shift| shift[column]);
                    for (row, score) in cells[column * 2 * lanes..(column * 2 + 1) * lanes].iter_mut().enumerate() {
                        *score = (block.row(row, columns)[column] - to.origins[row]) * to.rate + shift;
                    }
                }
            }

            #[inline(always)]
            fn columns_of_cells<S: Simd>(
                simd: S,
                cells: &[Cell<Self, S>],
                to: ToGradient<'_, Self>,
                block: BlockMut<'_, Self>,
            ) {
                let lanes = Self::lanes::<S>();
                let columns = cells.len();
                let cells: &[Self] = cast_slice(cells);
                #[allow(unused_mut, unused_assignments)]
                let mut done = 0;
                #[cfg(any(target_arch = "x86_64", target_arch = "x86"))]
                if let Some(simd) = avx2(simd) {
                    done = columns - columns % $square;
                    for half in 0..lanes / $square {
                        let offset = half * $square;
                        let by_row = |values: &[Self]| -> pulp::$vectors {
                            let values: [Self; $square] = std::array::from_fn(|row| values[offset + row]);
                            pulp::cast(values)
                        };
                        let (shares, floors, scales) = (by_row(to.shares), by_row(to.floors), by_row(to.scales));
                        for column in (0..done).step_by($square) {
                            let square = std::array::from_fn(|line| {
                                let at = ((column + line) * 2 + 1) * lanes + offset;
                                let sum = Self::vectors::<pulp::x86::V3>(&cells[at..at + $square]).0[0];
                                Self::v_mul(simd, Self::v_mul_add(simd, sum, shares, floors), scales)
                            });
                            let square = $tile(simd, square);
                            for (row, values) in square.into_iter().enumerate().take(block.rows.saturating_sub(offset))
                            {
                                let at = (offset + row) * block.stride + block.first + column;
                                Self::vectors_mut::<pulp::x86::V3>(&mut block.values[at..at + $square]).0[0] = values;
                            }
                        }
                    }
                }
                let _ = simd;
                for column in done..columns {
                    for row in 0..block.rows {
                        let gradient = cells[(column * 2 + 1) * lanes + row] * to.shares[row] + to.floors[row];
                        block.values[row * block.stride + block.first + column] = gradient * to.scales[row];
                    }
                }
            }
        }
    };
}

turn!(f32, f32x8, 8, x86::eight);
turn!(f64, f64x4, 4, x86::four);

impl<'b, A> Block<'b, A> {
    /// The first columns of a row; a row beyond the last is the last.
    #[inline(always)]
    fn row(&self, row: usize, columns: usize) -> &'b [A] {
        let at = row.min(self.rows - 1) * self.stride + self.first;
        &self.values[at..at + columns]
    }
}

#[cfg(any(target_arch = "x86_64", target_arch = "x86"))]
mod x86 {
    use pulp::x86::V3;
    use pulp::{cast, f32x8, f64x4};

    #[inline(always)]
    pub(super) fn eight(simd: V3, rows: [f32x8; 8]) -> [f32x8; 8] {
        let [a, b, c, d, e, f, g, h] = rows.map(cast);
        let avx = simd.avx;
        let low = |a, b| avx._mm256_unpacklo_ps(a, b);
        let high = |a, b| avx._mm256_unpackhi_ps(a, b);
        let pairs = [low(a, b), high(a, b), low(c, d), high(c, d), low(e, f), high(e, f), low(g, h), high(g, h)];
        let first = |a, b| avx._mm256_shuffle_ps::<0b0100_0100>(a, b);
        let last = |a, b| avx._mm256_shuffle_ps::<0b1110_1110>(a, b);
        let [p, q, r, s, t, u, v, w] = pairs;
        let fours =
            [first(p, r), last(p, r), first(q, s), last(q, s), first(t, v), last(t, v), first(u, w), last(u, w)];
        let lower = |i: usize| cast(avx._mm256_permute2f128_ps::<0x20>(fours[i], fours[i + 4]));
        let upper = |i: usize| cast(avx._mm256_permute2f128_ps::<0x31>(fours[i], fours[i + 4]));
        [lower(0), lower(1), lower(2), lower(3), upper(0), upper(1), upper(2), upper(3)]
    }

    #[inline(always)]
    pub(super) fn four(simd: V3, rows: [f64x4; 4]) -> [f64x4; 4] {
        let [a, b, c, d] = rows.map(cast);
        let avx = simd.avx;
        let (p, q) = (avx._mm256_unpacklo_pd(a, b), avx._mm256_unpackhi_pd(a, b));
        let (r, s) = (avx._mm256_unpacklo_pd(c, d), avx._mm256_unpackhi_pd(c, d));
        [
            cast(avx._mm256_permute2f128_pd::<0x20>(p, r)),
            cast(avx._mm256_permute2f128_pd::<0x20>(q, s)),
            cast(avx._mm256_permute2f128_pd::<0x31>(p, r)),
            cast(avx._mm256_permute2f128_pd::<0x31>(q, s)),
        ]
    }
}
