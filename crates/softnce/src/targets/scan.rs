//! One pass over dense rows: what they sum to, whether they are distributions, and whether they have the compact form.

use std::sync::atomic::{AtomicBool, Ordering};

use ndarray::{ArrayView1, ArrayView2};
use num_traits::Zero;
use pulp::{Simd, WithSimd};
use softnce_kernels::parallel::{WAKING, for_each, threads_for};
use softnce_kernels::simd::Instructions;

use super::check::{negative, off_simplex, sums_to_one};
use crate::{Accum, Element, Error};

/// A row with more classes off its floor than this is dense.
pub(super) const MOST_ENTRIES: usize = 3;

/// What a row is made of.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct RowScan {
    pub(super) sum: f64,
    /// The value of every class that is not listed: the row's smallest.
    pub(super) floor: f64,
    /// The classes off the floor with their values, where the row has the compact form.
    pub(super) listed: [(u32, f64); MOST_ENTRIES],
    /// How many are listed.
    pub(super) entries: usize,
}

/// Scans every row. The flag says whether all rows have the compact form; where `recognise` is off they count as dense.
///
/// # Errors
/// An entry that is negative or not finite; a row that does not sum to 1 within the type's tolerance.
pub(super) fn scan<E: Element>(rows: ArrayView2<'_, E>, recognise: bool) -> Result<(Vec<RowScan>, bool), Error> {
    let (len, classes) = rows.dim();
    let mut scans = vec![RowScan::default(); len];
    let compact = AtomicBool::new(recognise);
    let instructions = Instructions::widest();
    let rows_at_once = ((1 << 15) / classes.max(1)).clamp(1, len.max(1));
    let parts = scans.chunks_mut(rows_at_once).enumerate();
    let threads = threads_for(len.saturating_mul(classes) / 8, WAKING, len.div_ceil(rows_at_once));
    let working = || (Vec::new(), Vec::new());
    for_each(threads, parts, working, |(scratch, highest), (part, scans)| {
        for (at, out) in scans.iter_mut().enumerate() {
            let row = part * rows_at_once + at;
            let values = in_a_row(rows.row(row), scratch);
            let (sum, lowest) = instructions.run(SumAndLowest { values, highest });
            if !sums_to_one(sum, E::SIMPLEX_TOLERANCE) || lowest < E::Accum::zero() {
                return Err(objection(row, rows.row(row)));
            }
            *out = RowScan { sum, floor: lowest.as_f64(), ..RowScan::default() };
            if compact.load(Ordering::Relaxed) {
                let mut found = [0; MOST_ENTRIES];
                match instructions.run(OffFloor { values, floor: lowest, highest, found: &mut found }) {
                    Some(entries) => {
                        out.entries = entries;
                        for (listed, &class) in out.listed.iter_mut().zip(&found[..entries]) {
                            *listed = (class, values[class as usize].as_f64());
                        }
                    }
                    None => compact.store(false, Ordering::Relaxed),
                }
            }
        }
        Ok(())
    })?;
    Ok((scans, compact.into_inner()))
}

/// The row as contiguous values of the accumulating type: in its place where that can be, else in `scratch`.
fn in_a_row<'r, E: Element>(row: ArrayView1<'r, E>, scratch: &'r mut Vec<E::Accum>) -> &'r [E::Accum] {
    let slice = row.to_slice();
    if let Some(values) = slice.and_then(E::as_accum) {
        return values;
    }
    scratch.resize(row.len(), E::Accum::zero());
    match slice {
        Some(values) => E::widen(values, scratch),
        None => scratch.iter_mut().zip(row).for_each(|(out, value)| *out = value.to_accum()),
    }
    scratch
}

/// What is wrong with a row, entry by entry.
#[cold]
fn objection<E: Element>(row: usize, values: ArrayView1<'_, E>) -> Error {
    let mut sum = 0.0;
    for (class, value) in values.iter().map(|value| value.as_f64()).enumerate() {
        if !value.is_finite() {
            return Error::non_finite("targets", [row, class], value);
        }
        if value < 0.0 {
            return negative(row, class, value);
        }
        sum += value;
    }
    off_simplex(row, sum, E::SIMPLEX_TOLERANCE)
}

/// The sum of a row and its smallest value, with the largest of every stretch on the side. The sum carries its rounding
/// errors along (Knuth's two-sum) and is no number where an entry is none.
struct SumAndLowest<'r, A> {
    values: &'r [A],
    /// One for each stretch of so many vectors, and one for the values behind them.
    highest: &'r mut Vec<A>,
}

/// Vectors of a stretch.
const STRETCH: usize = 8;
/// Lanes of the widest vector of the narrowest type.
const MOST_LANES: usize = 16;

impl<A: Accum> WithSimd for SumAndLowest<'_, A> {
    type Output = (f64, A);

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> (f64, A) {
        let (vectors, tail) = A::vectors::<S>(self.values);
        let zero = A::splat(simd, A::zero());
        let (mut sums, mut lost) = ([zero; 2], [zero; 2]);
        let mut lowest = A::splat(simd, A::infinity());
        self.highest.clear();
        let mut add = |turn: usize, vector: A::Vector<S>| {
            let sum = A::v_add(simd, sums[turn], vector);
            let part = A::v_sub(simd, sum, sums[turn]);
            let rest = A::v_sub(simd, sums[turn], A::v_sub(simd, sum, part));
            let rest = A::v_add(simd, rest, A::v_sub(simd, vector, part));
            lost[turn] = A::v_add(simd, lost[turn], rest);
            sums[turn] = sum;
            lowest = A::v_min(simd, lowest, vector);
        };
        let (stretches, left) = vectors.as_chunks::<STRETCH>();
        for stretch in stretches {
            let mut highest = stretch[0];
            for pair in stretch.as_chunks::<2>().0 {
                add(0, pair[0]);
                add(1, pair[1]);
                highest = A::v_max(simd, highest, A::v_max(simd, pair[0], pair[1]));
            }
            self.highest.push(A::max_lane(simd, highest));
        }
        if !left.is_empty() {
            let mut highest = left[0];
            for &vector in left {
                add(0, vector);
                highest = A::v_max(simd, highest, vector);
            }
            self.highest.push(A::max_lane(simd, highest));
        }
        let mut sum: f64 = tail.iter().map(|value| value.as_f64()).sum();
        for part in sums.into_iter().chain(lost) {
            let lanes: &[A] = bytemuck::cast_slice(std::slice::from_ref(&part));
            sum += lanes.iter().map(|lane| lane.as_f64()).sum::<f64>();
        }
        let lower = |a: A, b: A| if b < a { b } else { a };
        let higher = |a: A, b: A| if b > a { b } else { a };
        self.highest.push(tail.iter().copied().fold(A::neg_infinity(), higher));
        (sum, tail.iter().copied().fold(A::min_lane(simd, lowest), lower))
    }
}

/// The classes whose values are not the floor, as long as there is room for them; `None` where there are too many.
struct OffFloor<'r, A> {
    values: &'r [A],
    floor: A,
    highest: &'r [A],
    found: &'r mut [u32; MOST_ENTRIES],
}

impl<A: Accum> WithSimd for OffFloor<'_, A> {
    type Output = Option<usize>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Option<usize> {
        let stretch = STRETCH * A::lanes::<S>();
        let whole = self.values.len() - self.values.len() % A::lanes::<S>();
        let (vectors, tail) = self.values.split_at(whole);
        let parts = vectors.chunks(stretch).chain(std::iter::once(tail)).zip(self.highest);
        let (mut entries, mut first) = (0, 0);
        for (values, &highest) in parts {
            // Only where something is above the floor, the row's smallest value, is there anything to find.
            if highest > self.floor {
                // Marks of eight values at once: a plain loop that becomes vector code.
                let mut marks = [0u8; STRETCH * MOST_LANES];
                values.iter().zip(&mut marks).for_each(|(&value, mark)| *mark = u8::from(value != self.floor));
                for (number, &eight) in marks.as_chunks::<8>().0.iter().enumerate() {
                    let mut bits = u64::from_le_bytes(eight);
                    while bits != 0 {
                        let at = 8 * number + bits.trailing_zeros() as usize / 8;
                        *self.found.get_mut(entries)? = (first + at) as u32;
                        entries += 1;
                        bits &= bits - 1;
                    }
                }
            }
            first += values.len();
        }
        Some(entries)
    }
}
