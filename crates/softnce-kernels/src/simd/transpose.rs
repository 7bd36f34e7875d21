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

/// Rows of a matrix; `V` is a slice, or a slice to write to.
#[derive(Clone, Copy)]
pub struct Block<V> {
    /// All values of the rows.
    pub values: V,
    /// Values from the beginning of a row to that of the next.
    pub stride: usize,
    /// Number of rows.
    pub rows: usize,
}

/// Map of the values on their way into lanes: `(x - origin) factor + shift`.
#[derive(Clone, Copy)]
pub struct MapIn<'m, A> {
    /// By row.
    pub origins: &'m [A],
    /// The same for all.
    pub factor: A,
    /// By column.
    pub shift: Option<&'m [A]>,
}

/// Map of the sums on their way out of lanes: `(x factor + addend) scale`, each by row.
#[derive(Clone, Copy)]
pub struct MapOut<'m, A> {
    /// By row.
    pub factors: &'m [A],
    /// By row.
    pub addends: &'m [A],
    /// By row.
    pub scales: &'m [A],
}

/// One column of a block, one row per lane: the inputs, and a sum.
pub type Cell<A, S> = [<A as SimdFloat>::Vector<S>; 2];

/// A float type whose rows can be moved into cells and back.
pub trait Transpose: SimdFloat {
    /// Writes columns of a block into the inputs of cells. Lanes beyond the block's rows repeat its last row.
    fn cells_of_columns<S: Simd>(simd: S, block: Block<&[Self]>, map: MapIn<'_, Self>, cells: &mut [Cell<Self, S>]);

    /// Writes the sums of cells into columns of the block's rows. Lanes beyond the rows are ignored.
    fn columns_of_cells<S: Simd>(simd: S, cells: &[Cell<Self, S>], map: MapOut<'_, Self>, block: Block<&mut [Self]>);
}

macro_rules! transpose {
    ($type:ty, $vectors:ident, $square:literal, $tile:path) => {
        impl Transpose for $type {
            #[inline(always)]
            fn cells_of_columns<S: Simd>(
                simd: S,
                block: Block<&[Self]>,
                map: MapIn<'_, Self>,
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
                        let origins: [Self; $square] = std::array::from_fn(|row| map.origins[offset + row]);
                        let (origins, factor) = (pulp::cast(origins), Self::splat(simd, map.factor));
                        let rows: [&[Self]; $square] = std::array::from_fn(|row| block.row(offset + row, done));
                        for column in (0..done).step_by($square) {
                            let rows =
                                rows.map(|row| Self::vectors::<pulp::x86::V3>(&row[column..column + $square]).0[0]);
                            let square = $tile(simd, rows);
                            for (line, x) in square.into_iter().enumerate() {
                                let input = Self::v_mul(simd, Self::v_sub(simd, x, origins), factor);
                                let input = match map.shift {
                                    Some(shift) => Self::v_add(simd, input, Self::splat(simd, shift[column + line])),
                                    None => input,
                                };
                                let at = (column + line) * 2 * lanes + offset;
                                Self::vectors_mut::<pulp::x86::V3>(&mut cells[at..at + $square]).0[0] = input;
                            }
                        }
                    }
                }
                let _ = simd;
                for column in done..columns {
                    let shift = map.shift.map_or(0.0, |shift| shift[column]);
                    for (row, input) in cells[column * 2 * lanes..(column * 2 + 1) * lanes].iter_mut().enumerate() {
                        *input = (block.row(row, columns)[column] - map.origins[row]) * map.factor + shift;
                    }
                }
            }

            #[inline(always)]
            fn columns_of_cells<S: Simd>(
                simd: S,
                cells: &[Cell<Self, S>],
                map: MapOut<'_, Self>,
                block: Block<&mut [Self]>,
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
                        let (factors, addends, scales) = (by_row(map.factors), by_row(map.addends), by_row(map.scales));
                        for column in (0..done).step_by($square) {
                            let square = std::array::from_fn(|line| {
                                let at = ((column + line) * 2 + 1) * lanes + offset;
                                let sum = Self::vectors::<pulp::x86::V3>(&cells[at..at + $square]).0[0];
                                Self::v_mul(simd, Self::v_mul_add(simd, sum, factors, addends), scales)
                            });
                            let square = $tile(simd, square);
                            for (row, values) in square.into_iter().enumerate().take(block.rows.saturating_sub(offset))
                            {
                                let at = (offset + row) * block.stride + column;
                                Self::vectors_mut::<pulp::x86::V3>(&mut block.values[at..at + $square]).0[0] = values;
                            }
                        }
                    }
                }
                let _ = simd;
                for column in done..columns {
                    for row in 0..block.rows {
                        let sum = cells[(column * 2 + 1) * lanes + row] * map.factors[row] + map.addends[row];
                        block.values[row * block.stride + column] = sum * map.scales[row];
                    }
                }
            }
        }
    };
}

transpose!(f32, f32x8, 8, x86::eight);
transpose!(f64, f64x4, 4, x86::four);

impl<'b, A> Block<&'b [A]> {
    /// The first columns of a row; a row beyond the last is the last.
    #[inline(always)]
    fn row(&self, row: usize, columns: usize) -> &'b [A] {
        let at = row.min(self.rows - 1) * self.stride;
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

#[cfg(test)]
mod tests {
    use pulp::WithSimd;

    use super::*;
    use crate::simd::{Cells, Instructions};

    /// Whole numbers, so that no result is rounded and every instruction set gives the same.
    fn whole<A: SimdFloat>(number: usize) -> A {
        A::from(number % 97).unwrap() - A::from(48).unwrap()
    }

    /// Moves rows into cells, makes each sum its input plus 1, and moves the sums to other rows.
    struct There<'t, A> {
        rows: usize,
        columns: usize,
        stride: usize,
        values: &'t [A],
        on_the_way_in: MapIn<'t, A>,
        on_the_way_out: MapOut<'t, A>,
        written: &'t mut [A],
    }

    impl<A: Transpose> WithSimd for There<'_, A> {
        /// The number of lanes, and all values of the cells.
        type Output = (usize, Vec<A>);

        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) -> (usize, Vec<A>) {
            let (lanes, stride) = (A::lanes::<S>(), self.stride);
            let rows = self.rows.min(lanes);
            let mut memory = Cells::new::<A>(self.columns, lanes);
            let cells = &mut memory.cells::<A, S>()[..self.columns];
            A::cells_of_columns(simd, Block { values: self.values, stride, rows }, self.on_the_way_in, cells);
            let one = A::splat(simd, A::one());
            cells.iter_mut().for_each(|[input, sum]| *sum = A::v_add(simd, *input, one));
            A::columns_of_cells(simd, cells, self.on_the_way_out, Block { values: self.written, stride, rows });
            (lanes, memory.values::<A>().to_vec())
        }
    }

    fn check<A: Transpose + std::fmt::Debug>(instructions: Instructions, rows: usize, columns: usize, shifted: bool) {
        /// Lanes of the widest vector.
        const MOST: usize = 16;
        let by_row = |start: usize| -> Vec<A> { (start..start + MOST).map(whole).collect() };
        let (origins, factors, addends, scales) = (by_row(3), by_row(20), by_row(41), by_row(70));
        let stride = columns + 3;
        let values: Vec<A> = (0..MOST * stride).map(|at| whole(31 * at)).collect();
        let shift: Vec<A> = (0..columns).map(|at| if shifted { whole(7 * at) } else { A::zero() }).collect();
        let (factor, untouched) = (whole(51), whole(96));
        let mut written = vec![untouched; MOST * stride];
        let (lanes, cells) = instructions.run(There {
            rows,
            columns,
            stride,
            values: &values,
            on_the_way_in: MapIn { origins: &origins, factor, shift: shifted.then_some(&shift[..]) },
            on_the_way_out: MapOut { factors: &factors, addends: &addends, scales: &scales },
            written: &mut written,
        });
        let rows = rows.min(lanes);
        for (column, shift) in shift.into_iter().enumerate() {
            for lane in 0..lanes {
                let expected = (values[lane.min(rows - 1) * stride + column] - origins[lane]) * factor + shift;
                assert_eq!(cells[2 * column * lanes + lane], expected, "{instructions}, {rows} x {columns}");
            }
        }
        for (at, &value) in written.iter().enumerate() {
            let (row, column) = (at / stride, at % stride);
            let expected = if row < rows && column < columns {
                let sum = cells[2 * column * lanes + row] + A::one();
                (sum * factors[row] + addends[row]) * scales[row]
            } else {
                untouched
            };
            assert_eq!(value, expected, "{instructions}, {rows} x {columns}");
        }
    }

    #[test]
    fn blocks_of_every_size_equal_a_plain_loop() {
        for instructions in Instructions::available() {
            for rows in 1..=16 {
                for columns in [1, 3, 4, 7, 8, 9, 16, 17, 31] {
                    for shifted in [false, true] {
                        check::<f32>(instructions, rows, columns, shifted);
                        check::<f64>(instructions, rows, columns, shifted);
                    }
                }
            }
        }
    }
}
