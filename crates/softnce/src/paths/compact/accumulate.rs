//! The kernel: for a block of rows, one to a lane, the sum of all candidates' terms and of their targets.
//!
//! Each candidate costs two loads of scores, an exponential, and an addition to each of its two classes; the score
//! and the sum of the class that a group of candidates shares stay in registers.

use bytemuck::cast_slice_mut;
use pulp::{Simd, WithSimd};
use softnce_kernels::simd::Cells;

use super::plan::{Fold, Pair, Plan};
use crate::Accum;

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
    /// Mean of the scores over the classes, by lane; 0 where the uniform shares do not count.
    pub(super) means: &'k ByLane<A>,
    /// Whether the uniform shares count in any lane.
    pub(super) shares_count: bool,
    pub(super) offsets: &'k ByLane<A>,
}

impl<A: Accum> WithSimd for Accumulate<'_, A> {
    type Output = Sums<A>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Sums<A> {
        match (self.plan.rest_ends.is_empty(), !self.shares_count) {
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
        let mut spread = zero;
        let mut others = zero;
        let mut events = Events::new(self.plan, &self.positives.of_lanes);
        let mut next = events.next();

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
                    // On copies, so that the vectors of the loop stay in registers.
                    if events.folds_at(candidate) {
                        let mut sums = [sum, others, spread].map(array::<A, S>);
                        events.fold(candidate, group.line, &mut sums, cast_slice_mut(cells), A::lanes::<S>());
                        [sum, others, spread] = [0, 1, 2].map(|which: usize| lanes::<A, S>(&sums[which]));
                    }
                    let mut terms = array::<A, S>(term);
                    events.take_positives(candidate, &mut terms);
                    term = lanes::<A, S>(&terms);
                    next = events.next();
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
        events.finish([others, spread].map(array::<A, S>), cast_slice_mut(cells), A::lanes::<S>())
    }
}

/// What happens at some of the candidates: one is a row's positive, or a sum has taken many terms.
struct Events<'k, A> {
    plan: &'k Plan<A>,
    positives: &'k [(u32, u32)],
    folds: &'k [Fold],
    own: ByLane<A>,
    /// What has been set aside of the sums over all candidates: of the terms, and of the terms times the shares.
    totals: [ByLane<f64>; 2],
    /// What has been set aside of the sums of lines.
    lines: Vec<ByLane<f64>>,
}

impl<'k, A: Accum> Events<'k, A> {
    fn new(plan: &'k Plan<A>, positives: &'k [(u32, u32)]) -> Self {
        let lines = vec![[0.0; MAX_LANES]; plan.folded_lines.len()];
        Events {
            plan,
            positives,
            folds: &plan.folds,
            own: [A::zero(); MAX_LANES],
            totals: [[0.0; MAX_LANES]; 2],
            lines,
        }
    }

    /// The candidate where something happens next.
    #[inline(always)]
    fn next(&self) -> u32 {
        let positive = self.positives.first().map_or(u32::MAX, |(candidate, _)| *candidate);
        self.folds.first().map_or(positive, |fold| positive.min(fold.candidate))
    }

    /// Takes the terms of the rows that a candidate is the positive of out of the sums.
    #[cold]
    #[inline(never)]
    fn take_positives(&mut self, candidate: u32, terms: &mut ByLane<A>) {
        while let Some((_, lane)) = self.positives.split_off_first_if(|(positive, _)| *positive == candidate) {
            self.own[*lane as usize] = std::mem::replace(&mut terms[*lane as usize], A::zero());
        }
    }

    /// Whether sums are set aside before a candidate.
    #[inline(always)]
    fn folds_at(&self, candidate: u32) -> bool {
        self.folds.first().is_some_and(|fold| fold.candidate == candidate)
    }

    /// Sets sums aside. `line` is the line whose sum is among the copies.
    #[cold]
    #[inline(never)]
    fn fold(
        &mut self,
        candidate: u32,
        line: u32,
        [sum, others, spread]: &mut [ByLane<A>; 3],
        cells: &mut [A],
        lanes: usize,
    ) {
        while let Some(fold) = self.folds.split_off_first_if(|fold| fold.candidate == candidate) {
            match fold.place {
                None => {
                    set_aside(&mut self.totals[0], others);
                    set_aside(&mut self.totals[1], spread);
                }
                Some(place) => {
                    let folded = self.plan.folded_lines[place as usize];
                    let total = &mut self.lines[place as usize];
                    if folded == line {
                        set_aside(total, sum);
                    } else {
                        set_aside(total, &mut cells[(2 * folded as usize + 1) * lanes..][..lanes]);
                    }
                }
            }
        }
    }

    /// The sums with all that was set aside.
    fn finish(self, [mut others, mut spread]: [ByLane<A>; 2], cells: &mut [A], lanes: usize) -> Sums<A> {
        for (&line, total) in self.plan.folded_lines.iter().zip(&self.lines) {
            take_back(total, &mut cells[(2 * line as usize + 1) * lanes..][..lanes]);
        }
        take_back(&self.totals[0], &mut others);
        take_back(&self.totals[1], &mut spread);
        Sums { own: self.own, others, spread }
    }
}

/// The first of a slice, where it is as wanted: then the slice goes on behind it.
trait SplitOffFirstIf<T> {
    fn split_off_first_if(&mut self, wanted: impl Fn(&T) -> bool) -> Option<&T>;
}

impl<T> SplitOffFirstIf<T> for &[T] {
    fn split_off_first_if(&mut self, wanted: impl Fn(&T) -> bool) -> Option<&T> {
        let (first, rest) = self.split_first().filter(|(first, _)| wanted(first))?;
        *self = rest;
        Some(first)
    }
}

fn set_aside<A: Accum>(total: &mut ByLane<f64>, sum: &mut [A]) {
    for (total, value) in total.iter_mut().zip(sum) {
        *total += std::mem::replace(value, A::zero()).as_f64();
    }
}

fn take_back<A: Accum>(total: &ByLane<f64>, sum: &mut [A]) {
    sum.iter_mut().zip(total).for_each(|(value, total)| *value = A::of(total + value.as_f64()));
}

/// The largest score of each lane among the classes that occur.
pub(super) struct LargestClass<'k, A> {
    pub(super) plan: &'k Plan<A>,
    pub(super) cells: &'k mut Cells,
}

impl<A: Accum> WithSimd for LargestClass<'_, A> {
    type Output = ByLane<A>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> ByLane<A> {
        let cells = self.cells.cells::<A, S>();
        let mut largest = A::splat(simd, A::neg_infinity());
        let empty = self.plan.columns.len();
        let mut take = |line: usize| {
            if line != empty {
                largest = A::v_max(simd, largest, cells[line][0]);
            }
        };
        self.plan.groups.iter().for_each(|group| take(group.line as usize));
        self.plan.pairs.iter().for_each(|pair| take(pair.second as usize));
        self.plan.rest.iter().for_each(|&(line, _)| take(line as usize));
        array::<A, S>(largest)
    }
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
