//! Dense rows, alone or beside other forms: matrix products over blocks of rows and candidates. O(N M d).
//!
//! `A = S W^T`, `dL/dS = (P - E) W`. A block of candidates serves both products while it is in cache: the terms
//! `exp A` need no maximum (see [`super::out_of_reach`]), and their sum divides the gradient at the end. So the extra memory
//! is a block of rows of scores and a block of terms, whatever M.

use std::f64::consts::LOG2_E;

use ndarray::{ArrayView2, ArrayViewMut2, s};
use num_traits::Float;
use pulp::{Simd, WithSimd};
use softnce_kernels::parallel::{WAKING, for_each, threads_for};
use softnce_kernels::product::product;
use softnce_kernels::simd::Instructions;

use super::scores::zeroed;
use super::{Outputs, Scores, natural, out_of_reach, relative_logs, row_loss, to_base_2};
use crate::paths::outputs::Part;
use crate::paths::row::{Scale, partial_sums};
use crate::targets::Rows;
use crate::{Accum, Batch, Element, Error, Targets};

/// Rows worked on at once, where the caller sets no number: enough that packing the candidates costs little beside the
/// products.
const BLOCK_ROWS: usize = 256;
/// Bytes of terms kept at once, and of candidates converted at once.
const BLOCK_BYTES: usize = 4 << 20;
/// Rows a thread takes at once outside the products.
const PART_ROWS: usize = 8;

pub(super) fn run<E: Element, G: Element<Accum = E::Accum>>(
    scores: &Scores<'_, E>,
    batch: &Batch<'_>,
    positives: &[usize],
    block_rows: Option<usize>,
    outputs: &mut Outputs<'_, E::Accum, G>,
) -> Result<(), Error> {
    let block_rows = block_rows.unwrap_or(BLOCK_ROWS).clamp(1, positives.len().max(1));
    let mut dense = DenseBlocks::new(scores, batch, block_rows, outputs.gradients_apart());
    for mut part in outputs.parts(block_rows) {
        let positives = &positives[part.first..part.first + part.losses.len()];
        dense.block(scores, batch, positives, &mut part)?;
    }
    Ok(())
}

/// One row's sums so far, relative to `2^offset`.
#[derive(Clone, Copy)]
struct RowSums<A> {
    offset: A,
    own: A,
    others: f64,
    /// The largest exponent.
    largest: A,
}

/// Working memory.
struct DenseBlocks<A> {
    /// The scores of a block of rows. Shape `[block rows, d]`.
    scores: Vec<A>,
    /// Their gradients, where they cannot be summed in place. Shape `[block rows, d]` or `[0]`.
    gradients: Vec<A>,
    /// Terms of a block of candidates. Shape `[block rows, block candidates]`.
    terms: Vec<A>,
    block_candidates: usize,
    sums: Vec<RowSums<A>>,
    /// To base 2, relative to the largest; empty where all are 1. Shape `[M]`.
    log2_multiplicities: Vec<A>,
    log_unit: f64,
}

impl<A: Accum> DenseBlocks<A> {
    fn new<E: Element<Accum = A>>(scores: &Scores<'_, E>, batch: &Batch<'_>, rows: usize, gradients: bool) -> Self {
        let block_candidates = (BLOCK_BYTES / (rows * size_of::<A>())).clamp(1, batch.candidates().max(1));
        let (logs, log_unit) = match batch.multiplicities() {
            Some(multiplicities) => relative_logs(&multiplicities.to_vec()),
            None => (Vec::new(), 0.0),
        };
        DenseBlocks {
            scores: zeroed(rows * scores.classes()),
            gradients: zeroed(if gradients { rows * scores.classes() } else { 0 }),
            terms: zeroed(rows * block_candidates),
            block_candidates,
            sums: Vec::new(),
            log2_multiplicities: logs.into_iter().map(to_base_2).collect(),
            log_unit,
        }
    }

    fn block<E: Element<Accum = A>, G: Element<Accum = A>>(
        &mut self,
        scores: &Scores<'_, E>,
        batch: &Batch<'_>,
        positives: &[usize],
        part: &mut Part<'_, A, G>,
    ) -> Result<(), Error> {
        self.write_scores(scores, part.first, positives.len())?;
        let start = RowSums { offset: A::zero(), own: A::zero(), others: 0.0, largest: A::neg_infinity() };
        self.sums.clear();
        self.sums.resize(positives.len(), start);
        self.accumulate(scores, batch, positives, part);
        let lost = |sums: &RowSums<A>| out_of_reach(sums.own + A::of(sums.others));
        if self.sums.iter().any(lost) {
            for sums in &mut self.sums {
                let offset = if lost(sums) { sums.largest } else { sums.offset };
                *sums = RowSums { offset, ..start };
            }
            self.accumulate(scores, batch, positives, part);
        }
        self.finish(scores, batch, positives, part);
        Ok(())
    }

    fn write_scores<E: Element<Accum = A>>(
        &mut self,
        scores: &Scores<'_, E>,
        first: usize,
        rows: usize,
    ) -> Result<(), Error> {
        let classes = scores.classes();
        let parts = self.scores[..rows * classes].chunks_mut(PART_ROWS * classes).enumerate();
        let threads = threads_for(rows * classes, WAKING, rows.div_ceil(PART_ROWS));
        for_each(
            threads,
            parts,
            || zeroed(classes),
            |scratch: &mut Vec<A>, (number, part)| {
                for (at, out) in part.chunks_exact_mut(classes).enumerate() {
                    scores.write_row(first + number * PART_ROWS + at, scratch, out)?;
                }
                Ok(())
            },
        )
    }

    /// Sums of terms and, where wanted, of terms times targets.
    fn accumulate<E: Element<Accum = A>, G: Element<Accum = A>>(
        &mut self,
        scores: &Scores<'_, E>,
        batch: &Batch<'_>,
        positives: &[usize],
        part: &mut Part<'_, A, G>,
    ) {
        let (rows, classes) = (positives.len(), scores.classes());
        let DenseBlocks { scores: row_scores, gradients: gradients_apart, terms, sums, log2_multiplicities, .. } = self;
        let Ok(row_scores) = ArrayView2::from_shape((rows, classes), &row_scores[..rows * classes]) else { return };
        let gradients = part.gradients.as_mut();
        let gradients = gradients.map(|part| part.in_place().unwrap_or_else(|| &mut gradients_apart[..rows * classes]));
        let mut gradients = gradients.and_then(|values| ArrayViewMut2::from_shape((rows, classes), values).ok());
        let mut first = 0;
        for segment in batch.segments() {
            for_each_block(segment, self.block_candidates, |weights, sums_of_weights| {
                let candidates = weights.nrows();
                let Ok(mut terms) = ArrayViewMut2::from_shape((rows, candidates), &mut terms[..rows * candidates])
                else {
                    return;
                };
                product(terms.view_mut(), false, row_scores, weights.t());
                let exponents = Exponents {
                    first,
                    candidates,
                    log2_multiplicities: log2_multiplicities.get(first..first + candidates),
                    inverse_sums: sums_of_weights,
                };
                exponents.run(scores.instructions, positives, terms.as_slice_mut().unwrap_or_default(), sums);
                if let Some(gradients) = &mut gradients {
                    product(gradients.view_mut(), first > 0, terms.view(), weights);
                }
                first += candidates;
            });
        }
    }

    /// Losses, and gradients from their sums.
    fn finish<E: Element<Accum = A>, G: Element<Accum = A>>(
        &mut self,
        scores: &Scores<'_, E>,
        batch: &Batch<'_>,
        positives: &[usize],
        part: &mut Part<'_, A, G>,
    ) {
        let classes = scores.classes();
        let DenseBlocks { scores: row_scores, gradients, sums, log2_multiplicities, log_unit, .. } = self;
        // Where the gradients are summed in place there are none apart.
        let mut apart = gradients.chunks_mut(PART_ROWS * classes);
        let rows = part.losses.len();
        let parts = part.parts(PART_ROWS).map(|part| (part, apart.next().unwrap_or_default()));
        let parts: Vec<_> = parts.collect();
        let threads = threads_for(rows * classes, WAKING, parts.len());
        let outcome = for_each(
            threads,
            parts.into_iter(),
            || zeroed(classes),
            |target, (mut part, apart)| {
                for at in 0..part.losses.len() {
                    let row = part.first + at;
                    let (positive, sums) = (positives[row], &sums[row]);
                    let row_scores = &row_scores[row * classes..(row + 1) * classes];
                    let Some((segment, own)) = batch.candidate(positive) else { continue };
                    segment.write_row(own, target);
                    let score = dot(target, row_scores);
                    let log2 = log2_multiplicities.get(positive);
                    let log_multiplicity = log2.map_or(0.0, |log2| natural(log2.as_f64()) + *log_unit);
                    let offset = natural(sums.offset.as_f64()) + *log_unit;
                    let others = A::of(sums.others);
                    part.losses[at] = row_loss(sums.own, others, log_multiplicity, offset, score);
                    let Some((scale, wants_temperature)) = part.demand(at, scores.temperature) else { continue };
                    let values = if apart.is_empty() {
                        part.row(at, &mut [])
                    } else {
                        &mut apart[at * classes..(at + 1) * classes]
                    };
                    // The positive's coefficient P - 1, without the cancellation where P nears 1.
                    values.iter_mut().zip(&*target).for_each(|(value, &weight)| *value = *value - others * weight);
                    let share = (sums.own + others).recip();
                    let shift = scores.shift.as_deref();
                    let dot = if wants_temperature { dot_less_shift(values, row_scores, shift) } else { 0.0 };
                    scores.instructions.run(Scale { values, share, floor: A::zero(), scale });
                    if let (false, Some(gradients)) = (apart.is_empty(), &mut part.gradients) {
                        gradients.write(at, 0, &apart[at * classes..(at + 1) * classes]);
                    }
                    if wants_temperature {
                        part.write_temperature(at, dot * share.as_f64(), scores.temperature);
                    }
                }
                Ok::<(), std::convert::Infallible>(())
            },
        );
        let Ok(()) = outcome;
    }
}

/// `sum_k w_k s_k` in double precision.
fn dot<A: Accum>(weights: &[A], scores: &[A]) -> f64 {
    partial_sums(weights.iter().zip(scores).map(|(w, s)| w.as_f64() * s.as_f64()))
}

/// `sum_k g_k (s_k - shift_k)` in double precision.
fn dot_less_shift<A: Accum>(gradient: &[A], scores: &[A], shift: Option<&[A]>) -> f64 {
    match shift {
        Some(shift) => {
            let products = gradient.iter().zip(scores).zip(shift);
            partial_sums(products.map(|((g, &s), &shift)| g.as_f64() * (s - shift).as_f64()))
        }
        None => dot(gradient, scores),
    }
}

/// Candidates of a segment in the accumulating type, a block at a time, with the reciprocals of what their rows are to be
/// divided by: as they lie in memory where they have the type, else converted.
fn for_each_block<A: Accum>(
    segment: &Targets<'_>,
    block: usize,
    mut work: impl FnMut(ArrayView2<'_, A>, Option<&[A]>),
) {
    let (len, classes) = (segment.len(), segment.classes());
    if let Rows::Dense(rows) = &segment.rows
        && let Some(values) = A::dense_view(&rows.values)
    {
        let inverse_sums: Option<Vec<A>> =
            rows.sums.as_ref().map(|sums| sums.iter().map(|sum| A::of(1.0 / sum)).collect());
        for first in (0..len).step_by(block) {
            let last = (first + block).min(len);
            let sums = inverse_sums.as_ref().map(|sums| &sums[first..last]);
            work(values.slice(s![first..last, ..]), sums);
        }
        return;
    }
    let block = block.min(BLOCK_BYTES / (classes * size_of::<A>())).clamp(1, len);
    let mut converted = zeroed::<A>(block * classes);
    for first in (0..len).step_by(block) {
        let rows = block.min(len - first);
        for (row, out) in converted.chunks_exact_mut(classes).enumerate().take(rows) {
            segment.write_row(first + row, out);
        }
        if let Ok(weights) = ArrayView2::from_shape((rows, classes), &converted[..rows * classes]) {
            work(weights, None);
        }
    }
}

/// From scores of candidates to terms.
struct Exponents<'e, A> {
    /// The first of the candidates, and how many.
    first: usize,
    candidates: usize,
    log2_multiplicities: Option<&'e [A]>,
    inverse_sums: Option<&'e [A]>,
}

impl<A: Accum> Exponents<'_, A> {
    /// Turns scores into the coefficients of the targets and adds to the rows' sums. Shape of `terms`: `[B, candidates]`.
    fn run(&self, instructions: Instructions, positives: &[usize], terms: &mut [A], sums: &mut [RowSums<A>]) {
        let parts = terms.chunks_mut(PART_ROWS * self.candidates).zip(sums.chunks_mut(PART_ROWS));
        let parts = parts.zip(positives.chunks(PART_ROWS));
        let threads = threads_for(positives.len() * self.candidates, WAKING, positives.len().div_ceil(PART_ROWS));
        let outcome: Result<(), std::convert::Infallible> = for_each(
            threads,
            parts,
            || (),
            |(), ((terms, sums), positives)| {
                for ((terms, sums), &positive) in terms.chunks_exact_mut(self.candidates).zip(sums).zip(positives) {
                    let own = positive.checked_sub(self.first).filter(|&own| own < self.candidates);
                    instructions.run(RowTerms { exponents: self, own, terms, sums });
                }
                Ok(())
            },
        );
        let Ok(()) = outcome;
    }
}

struct RowTerms<'r, 'e, A> {
    exponents: &'r Exponents<'e, A>,
    own: Option<usize>,
    terms: &'r mut [A],
    sums: &'r mut RowSums<A>,
}

impl<A: Accum> WithSimd for RowTerms<'_, '_, A> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let lanes = A::lanes::<S>();
        let (zero, log2_e) = (A::splat(simd, A::zero()), A::splat(simd, A::of(LOG2_E)));
        let offset = A::splat(simd, self.sums.offset);
        let mut largest = A::splat(simd, A::neg_infinity());
        let part = |values: Option<&[A]>, from: usize, to: usize, otherwise: A::Vector<S>| match values {
            Some(values) if to - from == lanes => A::vectors::<S>(&values[from..to]).0[0],
            Some(values) => A::load_part(simd, &values[from..to]),
            None => otherwise,
        };
        let len = self.terms.len();
        for from in (0..len).step_by(lanes) {
            let to = (from + lanes).min(len);
            let score = part(Some(&*self.terms), from, to, zero);
            let log2 = part(self.exponents.log2_multiplicities, from, to, zero);
            let rate = match self.exponents.inverse_sums {
                Some(_) => A::v_mul(simd, part(self.exponents.inverse_sums, from, to, zero), log2_e),
                None => log2_e,
            };
            let exponent = A::v_mul_add(simd, score, rate, log2);
            let term = A::v_exp2(simd, A::v_sub(simd, exponent, offset));
            let out = &mut self.terms[from..to];
            if to - from == lanes {
                largest = A::v_max(simd, largest, exponent);
                A::vectors_mut::<S>(out).0[0] = term;
            } else {
                let mut exponents = [A::neg_infinity(); 64];
                A::store_part(simd, &mut exponents[..to - from], exponent);
                let tail = exponents[..to - from].iter().copied().fold(A::neg_infinity(), Float::max);
                largest = A::v_max(simd, largest, A::splat(simd, tail));
                A::store_part(simd, out, term);
            }
        }
        self.sums.largest = Float::max(self.sums.largest, A::max_lane(simd, largest));
        if let Some(own) = self.own {
            self.sums.own = std::mem::replace(&mut self.terms[own], A::zero());
        }
        let mut total = zero;
        let (terms, tail) = A::vectors::<S>(self.terms);
        terms.iter().for_each(|&term| total = A::v_add(simd, total, term));
        self.sums.others += A::sum_lanes(simd, total).as_f64() + tail.iter().map(|term| term.as_f64()).sum::<f64>();
        // What multiplies the targets as they came, which are not divided by their sums.
        if let Some(inverse_sums) = self.exponents.inverse_sums {
            let (terms, tail) = A::vectors_mut::<S>(self.terms);
            let (inverse, inverse_tail) = A::vectors::<S>(inverse_sums);
            terms.iter_mut().zip(inverse).for_each(|(term, &inverse)| *term = A::v_mul(simd, *term, inverse));
            tail.iter_mut().zip(inverse_tail).for_each(|(term, &inverse)| *term *= inverse);
        }
    }
}
