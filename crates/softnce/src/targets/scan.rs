//! One pass over dense rows: what they sum to, whether they are distributions, and whether they have the compact form.

use std::sync::atomic::{AtomicBool, Ordering};

use ndarray::{ArrayView1, ArrayView2};
use num_traits::Zero;
use pulp::{Simd, WithSimd};

use crate::parallel::{for_each, threads_for};
use crate::simd::Instructions;
use crate::{Accum, Element, Error};

/// A row with more classes off its floor than this is dense.
pub(super) const MOST_TERMS: usize = 3;

/// What a row is made of.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct RowScan {
    pub(super) sum: f64,
    /// The value of every class that is not listed: the row's smallest.
    pub(super) floor: f64,
    /// The classes off the floor with their values, where the row has the compact form.
    pub(super) listed: [(u32, f64); MOST_TERMS],
    /// How many are listed.
    pub(super) terms: usize,
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
    let threads = threads_for(len.saturating_mul(classes) / 8, len.div_ceil(rows_at_once));
    for_each(threads, parts, Vec::new, |scratch, (part, scans)| {
        for (at, out) in scans.iter_mut().enumerate() {
            let row = part * rows_at_once + at;
            let values = in_a_row(rows.row(row), scratch);
            let (sum, lowest) = instructions.run(SumAndLowest(values));
            // Also where the sum is not a number.
            let on_simplex = (sum - 1.0).abs() <= E::SIMPLEX_TOLERANCE;
            if !on_simplex || lowest < E::Accum::zero() {
                return Err(objection(row, rows.row(row)));
            }
            *out = RowScan { sum, floor: lowest.as_f64(), ..RowScan::default() };
            if compact.load(Ordering::Relaxed) {
                let mut found = [0; MOST_TERMS];
                match instructions.run(OffFloor { values, floor: lowest, found: &mut found }) {
                    Some(terms) => {
                        out.terms = terms;
                        for (listed, &class) in out.listed.iter_mut().zip(&found[..terms]) {
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
            return Error::NonFinite { argument: "targets", index: vec![row, class], value };
        }
        if value < 0.0 {
            return Error::NegativeTarget { row, class, value };
        }
        sum += value;
    }
    Error::OffSimplex { row, sum, tolerance: E::SIMPLEX_TOLERANCE }
}

/// The sum of a row, in double precision, and its smallest value. The sum is no number where an entry is none.
struct SumAndLowest<'r, A>(&'r [A]);

impl<A: Accum> WithSimd for SumAndLowest<'_, A> {
    type Output = (f64, A);

    // Plain loops over lanes that do not wait for one another: compiled for the instruction set, they become vector code.
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> (f64, A) {
        let mut sums = [0.0; 32];
        let mut lowest = [A::infinity(); 32];
        let lower = |a: A, b: A| if b < a { b } else { a };
        let (stretches, tail) = self.0.as_chunks::<32>();
        for stretch in stretches {
            for lane in 0..32 {
                sums[lane] += stretch[lane].as_f64();
                lowest[lane] = lower(lowest[lane], stretch[lane]);
            }
        }
        for (lane, &value) in tail.iter().enumerate() {
            sums[lane] += value.as_f64();
            lowest[lane] = lower(lowest[lane], value);
        }
        (sums.iter().sum(), lowest.into_iter().fold(A::infinity(), lower))
    }
}

/// The classes whose values are not the floor, as long as there is room for them.
struct OffFloor<'r, A> {
    values: &'r [A],
    floor: A,
    found: &'r mut [u32; MOST_TERMS],
}

impl<A: Accum> WithSimd for OffFloor<'_, A> {
    /// How many there are; `None` where there are too many.
    type Output = Option<usize>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Option<usize> {
        const STRETCH: usize = 128;
        let mut terms = 0;
        for (number, stretch) in self.values.chunks(STRETCH).enumerate() {
            let mut any = false;
            for &value in stretch {
                any |= value != self.floor;
            }
            if !any {
                continue;
            }
            for (at, _) in stretch.iter().enumerate().filter(|(_, value)| **value != self.floor) {
                *self.found.get_mut(terms)? = (number * STRETCH + at) as u32;
                terms += 1;
            }
        }
        Some(terms)
    }
}
