//! The kernel: for a block of rows, one to a lane, the sum of all candidates' terms and of their targets.
//!
//! Each candidate costs two loads of scores, an exponential, and an addition to each of its two classes; the score
//! and the sum of the class that a group of candidates shares stay in registers.

use std::marker::PhantomData;

use pulp::{Simd, WithSimd};

use super::plan::{Pair, Plan};
use crate::Accum;
use crate::simd::Cells;

/// The candidates that are the positive of some rows of the block, in ascending order, and of which.
pub(super) struct Positives {
    /// Candidate and the lane it is the positive of.
    pub(super) of_lanes: Vec<(u32, u32)>,
}

/// The sums of a block, by lane.
pub(super) struct Sums<A> {
    /// The positive's term.
    pub(super) own: ByLane<A>,
    /// The sum of the other candidates' terms.
    pub(super) others: ByLane<A>,
    /// The others' terms times their uniform shares.
    pub(super) spread: ByLane<A>,
}

/// Lanes of the widest vector of the narrowest type.
pub(super) const MAX_LANES: usize = 16;

/// A value for each row of a block.
pub(super) type ByLane<A> = [A; MAX_LANES];

/// Terms relative to `2^offset`; the cells' sums take the terms times their targets. All scores are to base 2.
pub(super) struct Accumulate<'k, A> {
    pub(super) plan: &'k Plan<A>,
    pub(super) positives: &'k Positives,
    pub(super) cells: &'k mut Cells,
    /// Mean of the scores over the classes, by lane; read where the uniform shares differ.
    pub(super) means: &'k ByLane<A>,
    pub(super) offsets: &'k ByLane<A>,
}

impl<A: Accum> WithSimd for Accumulate<'_, A> {
    type Output = Sums<A>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Sums<A> {
        match (self.plan.rest_ends.is_empty(), self.plan.uniform.is_empty()) {
            (true, true) => self.run::<S, false, false>(simd),
            (true, false) => self.run::<S, false, true>(simd),
            (false, true) => self.run::<S, true, false>(simd),
            (false, false) => self.run::<S, true, true>(simd),
        }
    }
}

impl<A: Accum> Accumulate<'_, A> {
    #[inline(always)]
    fn run<S: Simd, const REST: bool, const UNIFORM: bool>(self, simd: S) -> Sums<A> {
        let zero = A::splat(simd, A::zero());
        let cells = &mut self.cells.cells::<A, S>()[..self.plan.columns.len() + 1];
        cells.iter_mut().for_each(|[_, sum]| *sum = zero);
        let (offset, mean) = (lanes::<A, S>(self.offsets), lanes::<A, S>(self.means));
        let mut own = [A::zero(); MAX_LANES];
        let mut spread = zero;
        let mut others = zero;
        let mut positives = &self.positives.of_lanes[..];
        let mut next = positives.first().map_or(u32::MAX, |(candidate, _)| *candidate);

        let mut start = 0;
        for group in &self.plan.groups {
            let line = group.line as usize;
            let [score, mut sum] = cells[line];
            let pairs = &self.plan.pairs[start as usize..group.end as usize];
            for (candidate, pair) in (start..).zip(pairs) {
                let share = if UNIFORM { self.plan.uniform[candidate as usize] } else { A::zero() };
                let rest = if REST { self.plan.rest_of(candidate as usize) } else { &[] };
                let mut exponent = pair_exponent(simd, pair, score, cells[pair.second as usize][0]);
                for &(line, weight) in rest {
                    exponent = A::v_mul_add(simd, A::splat(simd, weight), cells[line as usize][0], exponent);
                }
                if UNIFORM {
                    exponent = A::v_mul_add(simd, A::splat(simd, share), mean, exponent);
                }
                let mut term = A::v_exp2(simd, A::v_sub(simd, exponent, offset));
                if candidate == next {
                    let mut terms = array::<A, S>(term);
                    next = set_aside(candidate, &mut positives, &mut terms, &mut own);
                    term = lanes::<A, S>(&terms);
                }
                others = A::v_add(simd, others, term);
                sum = A::v_mul_add(simd, A::splat(simd, pair.first_weight), term, sum);
                let [_, second] = &mut cells[pair.second as usize];
                *second = A::v_mul_add(simd, A::splat(simd, pair.second_weight), term, *second);
                for &(line, weight) in rest {
                    let [_, further] = &mut cells[line as usize];
                    *further = A::v_mul_add(simd, A::splat(simd, weight), term, *further);
                }
                if UNIFORM {
                    spread = A::v_mul_add(simd, A::splat(simd, share), term, spread);
                }
            }
            cells[line][1] = sum;
            start = group.end;
        }
        Sums { own, others: array::<A, S>(others), spread: array::<A, S>(spread) }
    }
}

/// In the lanes a candidate is the positive of, keeps its term out of the sums. Returns the next positive.
///
/// Out of line and on copies, so that the vectors of the loop stay in registers.
#[cold]
#[inline(never)]
fn set_aside<A: Accum>(
    candidate: u32,
    positives: &mut &[(u32, u32)],
    terms: &mut ByLane<A>,
    own: &mut ByLane<A>,
) -> u32 {
    while let Some(((next, lane), rest)) = positives.split_first() {
        if *next != candidate {
            return *next;
        }
        own[*lane as usize] = std::mem::replace(&mut terms[*lane as usize], A::zero());
        *positives = rest;
    }
    u32::MAX
}

/// The largest exponent of each lane.
pub(super) struct Largest<'k, A> {
    pub(super) plan: &'k Plan<A>,
    pub(super) cells: &'k mut Cells,
    pub(super) means: &'k ByLane<A>,
}

impl<A: Accum> WithSimd for Largest<'_, A> {
    type Output = ByLane<A>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> ByLane<A> {
        let cells = self.cells.cells::<A, S>();
        let mean = lanes::<A, S>(self.means);
        let mut largest = A::splat(simd, A::neg_infinity());
        let mut start = 0;
        for group in &self.plan.groups {
            for candidate in start..group.end as usize {
                let pair = &self.plan.pairs[candidate];
                let mut exponent =
                    pair_exponent(simd, pair, cells[group.line as usize][0], cells[pair.second as usize][0]);
                for &(line, weight) in self.plan.rest_of(candidate) {
                    exponent = A::v_mul_add(simd, A::splat(simd, weight), cells[line as usize][0], exponent);
                }
                if let Some(&share) = self.plan.uniform.get(candidate) {
                    exponent = A::v_mul_add(simd, A::splat(simd, share), mean, exponent);
                }
                largest = A::v_max(simd, largest, exponent);
            }
            start = group.end as usize;
        }
        array::<A, S>(largest)
    }
}

/// Mean of the scores, by lane.
pub(super) struct Means<'k, A> {
    pub(super) classes: usize,
    pub(super) of: PhantomData<A>,
    pub(super) cells: &'k mut Cells,
}

impl<A: Accum> WithSimd for Means<'_, A> {
    type Output = ByLane<A>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> ByLane<A> {
        let zero = A::splat(simd, A::zero());
        let cells = &self.cells.cells::<A, S>()[..self.classes];
        // In stretches, so that rounding grows with their number and length, not with the number of lines.
        let mut sums = zero;
        for stretch in cells.chunks(128) {
            let mut sum = zero;
            stretch.iter().for_each(|&[score, _]| sum = A::v_add(simd, sum, score));
            sums = A::v_add(simd, sums, sum);
        }
        let count = A::of(self.classes as f64);
        array::<A, S>(sums).map(|sum| sum / count)
    }
}

#[inline(always)]
fn pair_exponent<A: Accum, S: Simd>(
    simd: S,
    pair: &Pair<A>,
    first: A::Vector<S>,
    second: A::Vector<S>,
) -> A::Vector<S> {
    let exponent = A::splat(simd, pair.log2_multiplicity);
    let exponent = A::v_mul_add(simd, A::splat(simd, pair.second_weight), second, exponent);
    A::v_mul_add(simd, A::splat(simd, pair.first_weight), first, exponent)
}

#[inline(always)]
fn lanes<A: Accum, S: Simd>(values: &ByLane<A>) -> A::Vector<S> {
    A::vectors::<S>(values).0[0]
}

#[inline(always)]
fn array<A: Accum, S: Simd>(vector: A::Vector<S>) -> ByLane<A> {
    let mut values = [A::zero(); MAX_LANES];
    A::vectors_mut::<S>(&mut values).0[0] = vector;
    values
}
