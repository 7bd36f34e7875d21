//! The kernel: for a block of rows, one row per lane, the sum of all candidates' terms and the sum of the terms times
//! the targets.
//!
//! A candidate with two classes costs one exponential and, for its second class, a load of the score and an update of
//! the sum in memory. The score and the sum of its first class, which all candidates of a group have in common, stay in
//! registers.

use bytemuck::cast_slice_mut;
use pulp::{Simd, WithSimd};
use softnce_kernels::simd::Cells;

use super::plan::{Fold, Pair, Plan};
use crate::Accum;

/// The positives of the rows of a block.
pub(super) struct Positives {
    /// Pairs of a candidate and the lane whose positive it is, in ascending order.
    of_lanes: Vec<(u32, u32)>,
}

impl Positives {
    /// The positives of the lanes from the first one on.
    pub(super) fn new(positives: &[u32]) -> Self {
        let mut of_lanes: Vec<(u32, u32)> = positives.iter().copied().zip(0..).collect();
        of_lanes.sort_unstable();
        Positives { of_lanes }
    }
}

/// The sums of a block, one per lane.
pub(super) struct Sums<A> {
    /// The positive's term.
    pub(super) own: ByLane<A>,
    /// The sum of the other candidates' terms.
    pub(super) others: ByLane<A>,
    /// The sum of the other candidates' terms times their uniform shares.
    pub(super) spread: ByLane<A>,
}

/// The largest number of lanes: f32 with AVX-512.
pub(super) const MAX_LANES: usize = 16;

/// A value for each row of a block.
pub(super) type ByLane<A> = [A; MAX_LANES];

/// Adds up the terms `2^(score - offset)` of all candidates, and in the cells the terms times the targets. All scores
/// are to base 2.
pub(super) struct Accumulate<'k, A> {
    pub(super) plan: &'k Plan<A>,
    pub(super) positives: &'k Positives,
    pub(super) cells: &'k mut Cells,
    /// Mean of the scores over the classes; 0 in lanes where the uniform shares do not count.
    pub(super) means: &'k ByLane<A>,
    /// Whether the uniform shares count in any lane.
    pub(super) shares_count: bool,
    pub(super) offsets: &'k ByLane<A>,
}

impl<A: Accum> WithSimd for Accumulate<'_, A> {
    type Output = Sums<A>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Sums<A> {
        match (self.plan.further.is_empty(), !self.shares_count) {
            (true, true) => self.run::<S, false, false>(simd),
            (true, false) => self.run::<S, false, true>(simd),
            (false, true) => self.run::<S, true, false>(simd),
            (false, false) => self.run::<S, true, true>(simd),
        }
    }
}

impl<A: Accum> Accumulate<'_, A> {
    #[inline(always)]
    fn run<S: Simd, const FURTHER: bool, const UNIFORM: bool>(self, simd: S) -> Sums<A> {
        let zero = A::splat(simd, A::zero());
        let cells = &mut self.cells.cells::<A, S>()[..self.plan.columns.len() + 1];
        cells.iter_mut().for_each(|[_, sum]| *sum = zero);
        let (offset, mean) = (lanes::<A, S>(self.offsets), lanes::<A, S>(self.means));
        let mut spread = zero;
        let mut others = zero;
        let mut events = Events::new(self.plan, &self.positives.of_lanes);
        let mut next = events.next_candidate();

        let mut start = 0;
        for group in &self.plan.groups {
            let line = group.line as usize;
            let [score, mut sum] = cells[line];
            let pairs = &self.plan.pairs[start as usize..group.end as usize];
            for (candidate, pair) in (start..).zip(pairs) {
                let share = if UNIFORM { self.plan.uniform[candidate as usize] } else { A::zero() };
                let further = if FURTHER { self.plan.further.of(candidate as usize) } else { &[] };
                let mut exponent = pair_exponent(simd, pair, score, cells[pair.second as usize][0]);
                for &(line, weight) in further {
                    exponent = A::v_mul_add(simd, A::splat(simd, weight), cells[line as usize][0], exponent);
                }
                if UNIFORM {
                    exponent = A::v_mul_add(simd, A::splat(simd, share), mean, exponent);
                }
                let mut term = A::v_exp2(simd, A::v_sub(simd, exponent, offset));
                if candidate == next {
                    // The events work on copies, so that the loop's vectors can stay in registers.
                    if events.folds_at(candidate) {
                        let mut sums = [sum, others, spread].map(array::<A, S>);
                        events.fold(candidate, group.line, &mut sums, cast_slice_mut(cells), A::lanes::<S>());
                        [sum, others, spread] = [0, 1, 2].map(|which: usize| lanes::<A, S>(&sums[which]));
                    }
                    let mut terms = array::<A, S>(term);
                    events.take_positives(candidate, &mut terms);
                    term = lanes::<A, S>(&terms);
                    next = events.next_candidate();
                }
                others = A::v_add(simd, others, term);
                sum = A::v_mul_add(simd, A::splat(simd, pair.first_weight), term, sum);
                let [_, second] = &mut cells[pair.second as usize];
                *second = A::v_mul_add(simd, A::splat(simd, pair.second_weight), term, *second);
                for &(line, weight) in further {
                    let [_, sum] = &mut cells[line as usize];
                    *sum = A::v_mul_add(simd, A::splat(simd, weight), term, *sum);
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

/// The work at a few of the candidates: one is a row's positive, or a sum has taken so many terms that it is folded
/// into a sum in double precision.
struct Events<'k, A> {
    plan: &'k Plan<A>,
    /// The positives that are still to come.
    positives: &'k [(u32, u32)],
    /// The folds that are still to come.
    folds: &'k [Fold],
    /// The positives' terms.
    own: ByLane<A>,
    /// The folded part of the sums over all candidates: of the terms, and of the terms times the uniform shares.
    totals: [ByLane<f64>; 2],
    /// The folded part of the sums of [`Plan::folded_lines`].
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

    /// The candidate of the next event.
    #[inline(always)]
    fn next_candidate(&self) -> u32 {
        let positive = self.positives.first().map_or(u32::MAX, |(candidate, _)| *candidate);
        self.folds.first().map_or(positive, |fold| positive.min(fold.candidate))
    }

    /// If a candidate is the positive of some lanes: moves its terms of these lanes to `own`, and leaves 0 for the
    /// sums.
    #[cold]
    #[inline(never)]
    fn take_positives(&mut self, candidate: u32, terms: &mut ByLane<A>) {
        while let Some((_, lane)) = self.positives.split_off_first_if(|(positive, _)| *positive == candidate) {
            self.own[*lane as usize] = std::mem::replace(&mut terms[*lane as usize], A::zero());
        }
    }

    /// Whether sums are folded before a candidate's term is added.
    #[inline(always)]
    fn folds_at(&self, candidate: u32) -> bool {
        self.folds.first().is_some_and(|fold| fold.candidate == candidate)
    }

    /// Folds the sums that are due. `line` is the line of `sum`; the sums of the other lines are in the cells.
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
                    fold_into(&mut self.totals[0], others);
                    fold_into(&mut self.totals[1], spread);
                }
                Some(place) => {
                    let folded = self.plan.folded_lines[place as usize];
                    let total = &mut self.lines[place as usize];
                    if folded == line {
                        fold_into(total, sum);
                    } else {
                        fold_into(total, &mut cells[(2 * folded as usize + 1) * lanes..][..lanes]);
                    }
                }
            }
        }
    }

    /// The complete sums: the folded parts are added again.
    fn finish(self, [mut others, mut spread]: [ByLane<A>; 2], cells: &mut [A], lanes: usize) -> Sums<A> {
        for (&line, total) in self.plan.folded_lines.iter().zip(&self.lines) {
            add_folded(total, &mut cells[(2 * line as usize + 1) * lanes..][..lanes]);
        }
        add_folded(&self.totals[0], &mut others);
        add_folded(&self.totals[1], &mut spread);
        Sums { own: self.own, others, spread }
    }
}

/// Removes and returns the first element of a slice, if it satisfies a condition.
trait SplitOffFirstIf<T> {
    fn split_off_first_if(&mut self, wanted: impl Fn(&T) -> bool) -> Option<&T>;
}

impl<T> SplitOffFirstIf<T> for &[T] {
    fn split_off_first_if(&mut self, wanted: impl Fn(&T) -> bool) -> Option<&T> {
        let (first, others) = self.split_first().filter(|(first, _)| wanted(first))?;
        *self = others;
        Some(first)
    }
}

/// Adds a sum to its folded part and starts it again from 0.
fn fold_into<A: Accum>(total: &mut ByLane<f64>, sum: &mut [A]) {
    for (total, value) in total.iter_mut().zip(sum) {
        *total += std::mem::replace(value, A::zero()).as_f64();
    }
}

/// Adds the folded part of a sum to it.
fn add_folded<A: Accum>(total: &ByLane<f64>, sum: &mut [A]) {
    sum.iter_mut().zip(total).for_each(|(value, total)| *value = A::of(total + value.as_f64()));
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
                for &(line, weight) in self.plan.further.of(candidate) {
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

/// The part of a candidate's exponent that comes from its first two classes and its multiplicity.
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

/// An array as a vector.
#[inline(always)]
fn lanes<A: Accum, S: Simd>(values: &ByLane<A>) -> A::Vector<S> {
    A::vectors::<S>(values).0[0]
}

/// A vector as an array.
#[inline(always)]
fn array<A: Accum, S: Simd>(vector: A::Vector<S>) -> ByLane<A> {
    let mut values = [A::zero(); MAX_LANES];
    A::vectors_mut::<S>(&mut values).0[0] = vector;
    values
}
