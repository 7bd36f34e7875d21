//! Soft target InfoNCE of batches with dense targets: matrix products over blocks of rows and candidates. O(N M d).
//!
//! `A = S W^T` and `dL/dS = (P - E) W`, with the scores `S = Z / tau - log eta` `[N, d]`, the candidates W `[M, d]`,
//! the scores of the candidates A `[N, M]`, P the softmax of each row of A, and `E_ij` = 1 if candidate j is the
//! positive of row i, otherwise 0. Both products read a block of candidates while it is in cache. One pass over the
//! candidates is enough: the maximum of a row of A is usually not subtracted before the exponential (see
//! [`super::terms::needs_offset`]), and the gradient is divided by the sum of the exponentials at the end. So the extra
//! memory is a block of scores and a block of exponentials. Above 4,096 candidates there are two more blocks of the
//! size of the block of scores, so that the rounding error of the sums does not grow.

use std::f64::consts::LOG2_E;

use ndarray::{ArrayView2, ArrayViewMut2, s};
use num_traits::Float;
use pulp::{Simd, WithSimd};
use softnce_kernels::parallel::{WAKING, for_each, for_each_part, threads_for};
use softnce_kernels::product::product;
use softnce_kernels::simd::Instructions;

use super::inputs::Inputs;
use super::outputs::Outputs;
use super::row::{Scale, dot_with_scores, partial_sums};
use super::scores::{Scores, zeroed};
use super::terms::{natural, needs_offset, relative_logs, row_loss, to_base_2};
use crate::targets::Rows;
use crate::{Accum, Element, Error, Targets};

/// Rows per block, unless the caller sets the number: enough that packing the candidates costs little compared with the
/// products.
const BLOCK_ROWS: usize = 256;
/// Size limit in bytes of a block of terms, and of a block of candidates converted to the accumulating type.
const BLOCK_BYTES: usize = 4 << 20;
/// Candidates whose terms times targets one product adds up. The matrix product keeps its sums in the accumulating
/// type, in stretches of some 512 terms; in longer sums the rounding errors of nearly equal terms would show.
const PRODUCT_CANDIDATES: usize = 4096;
/// The same for a single row or class: the product of a matrix and a vector adds up all terms in one stretch.
const VECTOR_PRODUCT_CANDIDATES: usize = 512;
/// Rows that a thread takes at a time, outside the products.
const THREAD_ROWS: usize = 8;
/// Vectors of terms that are added up in the accumulating type before the sum goes on in double precision: in a
/// longer sum the rounding errors of nearly equal terms would show.
const VECTORS_IN_SUM: usize = 32;

pub(super) fn run<E: Element, G: Element<Accum = E::Accum>>(
    inputs: Inputs<'_, E>,
    block_rows: Option<usize>,
    outputs: &mut Outputs<'_, E::Accum, G>,
) -> Result<(), Error> {
    let positives = inputs.positives;
    let block_rows = block_rows.unwrap_or(BLOCK_ROWS).clamp(1, positives.len().max(1));
    let needs = Needs { gradients: outputs.gradients.is_some(), scratch: outputs.gradients_need_scratch() };
    let mut dense = DenseBlocks::new(inputs, block_rows, needs);
    for mut out in outputs.blocks(block_rows) {
        let positives = &positives[out.first..out.first + out.losses.len()];
        dense.block(Inputs { positives, ..inputs }, &mut out)?;
    }
    Ok(())
}

/// One row's sums over the candidates so far, divided by `2^offset`.
#[derive(Clone, Copy)]
struct RowSums<A> {
    offset: A,
    /// The positive's term.
    own: A,
    /// The sum of the other candidates' terms.
    others: f64,
    /// The largest exponent.
    largest: A,
}

/// Whether gradients are requested, and whether they need a scratch buffer.
struct Needs {
    gradients: bool,
    scratch: bool,
}

/// Working memory for a block of rows.
struct DenseBlocks<A> {
    /// The scores. Shape `[block rows, d]`.
    scores: Vec<A>,
    /// The gradients, if their own memory cannot hold the sums. Shape `[block rows, d]` or `[0]`.
    gradients: Vec<A>,
    /// The terms of a block of candidates. Shape `[block rows, block candidates]`.
    terms: Vec<A>,
    /// If there are several blocks of candidates: the part of the gradients that comes from one block, and the
    /// rounding errors of adding up these parts. Shapes `[block rows, d]` or `[0]`.
    addend: Vec<A>,
    rounded_off: Vec<A>,
    block_candidates: usize,
    /// Shape `[block rows]`.
    sums: Vec<RowSums<A>>,
    /// `log2` of the multiplicities divided by the largest; empty if all are 1. Shape `[M]`.
    log2_multiplicities: Vec<A>,
    /// The logarithm of the largest multiplicity.
    log_unit: f64,
}

impl<A: Accum> DenseBlocks<A> {
    fn new<E: Element<Accum = A>>(inputs: Inputs<'_, E>, rows: usize, needs: Needs) -> Self {
        let Inputs { scores, batch, .. } = inputs;
        let vectors = [rows, scores.rows() % rows, scores.classes()].contains(&1);
        let most = if vectors { VECTOR_PRODUCT_CANDIDATES } else { PRODUCT_CANDIDATES };
        let fitting = (BLOCK_BYTES / (rows * size_of::<A>())).clamp(1, most);
        let block_candidates = fitting.min(batch.candidates().max(1));
        let several = needs.gradients && batch.candidates() > block_candidates;
        let gradient_size = |needed: bool| if needed { rows * scores.classes() } else { 0 };
        let (logs, log_unit) = match batch.multiplicities() {
            Some(multiplicities) => relative_logs(&multiplicities.to_vec()),
            None => (Vec::new(), 0.0),
        };
        DenseBlocks {
            scores: zeroed(rows * scores.classes()),
            gradients: zeroed(gradient_size(needs.scratch)),
            terms: zeroed(rows * block_candidates),
            addend: zeroed(gradient_size(several)),
            rounded_off: zeroed(gradient_size(several)),
            block_candidates,
            sums: Vec::new(),
            log2_multiplicities: logs.into_iter().map(to_base_2).collect(),
            log_unit,
        }
    }

    /// Losses and gradients of a block of rows.
    fn block<E: Element<Accum = A>, G: Element<Accum = A>>(
        &mut self,
        inputs: Inputs<'_, E>,
        out: &mut Outputs<'_, A, G>,
    ) -> Result<(), Error> {
        let rows = inputs.positives.len();
        self.write_scores(inputs.scores, out.first, rows)?;
        let start = RowSums { offset: A::zero(), own: A::zero(), others: 0.0, largest: A::neg_infinity() };
        self.sums.clear();
        self.sums.resize(rows, start);
        self.accumulate(inputs, out);
        let lost = |sums: &RowSums<A>| needs_offset(sums.own + A::of(sums.others));
        if self.sums.iter().any(lost) {
            for sums in &mut self.sums {
                let offset = if lost(sums) { sums.largest } else { sums.offset };
                *sums = RowSums { offset, ..start };
            }
            self.accumulate(inputs, out);
        }
        self.finish(inputs, out)
    }

    fn write_scores<E: Element<Accum = A>>(
        &mut self,
        scores: &Scores<'_, E>,
        first: usize,
        rows: usize,
    ) -> Result<(), Error> {
        let classes = scores.classes();
        let stretches = self.scores[..rows * classes].chunks_mut(THREAD_ROWS * classes).enumerate();
        let threads = threads_for(rows * classes, WAKING, rows.div_ceil(THREAD_ROWS));
        for_each(
            threads,
            stretches,
            || zeroed(classes),
            |scratch: &mut Vec<A>, (number, stretch)| {
                for (at, out) in stretch.chunks_exact_mut(classes).enumerate() {
                    scores.write_row(first + number * THREAD_ROWS + at, scratch, out)?;
                }
                Ok(())
            },
        )
    }

    /// Adds up the terms of all candidates and, if gradients are requested, the terms times the targets.
    fn accumulate<E: Element<Accum = A>, G: Element<Accum = A>>(
        &mut self,
        inputs: Inputs<'_, E>,
        out: &mut Outputs<'_, A, G>,
    ) {
        let Inputs { scores, batch, positives } = inputs;
        let (rows, classes) = (positives.len(), scores.classes());
        let block_candidates = self.block_candidates;
        let DenseBlocks { scores: row_scores, gradients: scratch, terms, sums, log2_multiplicities, .. } = self;
        let DenseBlocks { addend, rounded_off, .. } = self;
        rounded_off.fill(A::zero());
        let size = if addend.is_empty() { 0 } else { rows * classes };
        let mut addend = ArrayViewMut2::from_shape((rows, classes), &mut addend[..size]).ok();
        let Ok(row_scores) = ArrayView2::from_shape((rows, classes), &row_scores[..rows * classes]) else { return };
        let gradients = out.gradients.as_mut();
        let gradients = gradients.map(|out| out.in_place().unwrap_or_else(|| &mut scratch[..rows * classes]));
        let mut gradients = gradients.and_then(|values| ArrayViewMut2::from_shape((rows, classes), values).ok());
        let mut first = 0;
        for segment in batch.segments() {
            for_each_block(segment, block_candidates, |weights, sums_of_weights| {
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
                match (&mut gradients, &mut addend) {
                    (Some(gradients), Some(addend)) if first > 0 => {
                        product(addend.view_mut(), false, terms.view(), weights);
                        let totals = gradients.as_slice_mut().unwrap_or_default();
                        let addends = addend.as_slice().unwrap_or_default();
                        add_compensated(
                            scores.instructions,
                            totals,
                            addends,
                            &mut rounded_off[..rows * classes],
                            classes,
                        );
                    }
                    (Some(gradients), _) => product(gradients.view_mut(), first > 0, terms.view(), weights),
                    (None, _) => {}
                }
                first += candidates;
            });
        }
    }

    /// Computes the losses, and turns the sums of terms times targets into gradients.
    fn finish<E: Element<Accum = A>, G: Element<Accum = A>>(
        &mut self,
        inputs: Inputs<'_, E>,
        out: &mut Outputs<'_, A, G>,
    ) -> Result<(), Error> {
        let Inputs { scores, batch, positives } = inputs;
        let classes = scores.classes();
        let DenseBlocks { scores: row_scores, gradients, sums, log2_multiplicities, log_unit, rounded_off, .. } = self;
        // Empty if the sums are in the gradients' own memory.
        let mut scratch = gradients.chunks_mut(THREAD_ROWS * classes);
        let (first, rows) = (out.first, out.losses.len());
        let stretches: Vec<_> = out.blocks(THREAD_ROWS).map(|out| (out, scratch.next().unwrap_or_default())).collect();
        let threads = threads_for(rows * classes, WAKING, stretches.len());
        for_each(
            threads,
            stretches.into_iter(),
            || zeroed(classes),
            |buffer, (mut out, scratch)| {
                for at in 0..out.losses.len() {
                    let row = out.first + at;
                    let (positive, sums) = (positives[row], &sums[row]);
                    let Some((segment, own)) = batch.candidate(positive) else { continue };
                    segment.write_row(own, buffer);
                    let target = &*buffer;
                    let score = dot(target, &row_scores[row * classes..(row + 1) * classes]);
                    let log2 = log2_multiplicities.get(positive);
                    let log_multiplicity = log2.map_or(0.0, |log2| natural(log2.as_f64()) + *log_unit);
                    let offset = natural(sums.offset.as_f64()) + *log_unit;
                    let others = A::of(sums.others);
                    out.losses[at] = row_loss(sums.own, others, log_multiplicity, offset, || score);
                    let Some((scale, wants_temperature)) = out.demand(at, scores.temperature) else { continue };
                    let values = if scratch.is_empty() {
                        out.row(at, &mut [])
                    } else {
                        &mut scratch[at * classes..(at + 1) * classes]
                    };
                    if !rounded_off.is_empty() {
                        let errors = &rounded_off[row * classes..(row + 1) * classes];
                        values.iter_mut().zip(errors).for_each(|(value, &error)| *value += error);
                    }
                    // The positive's coefficient P - 1 = -others / (own + others), which keeps its digits where P is
                    // near 1.
                    values.iter_mut().zip(target).for_each(|(value, &weight)| *value = *value - others * weight);
                    let share = (sums.own + others).recip();
                    let dot = if wants_temperature {
                        // From the logits and not from the scores, in which the noise may have rounded them away.
                        let origin = scores.origin(first + row, buffer)?;
                        let logits = scores.logits(first + row, 0..classes, buffer);
                        dot_with_scores(values, logits, origin, scores.rate)
                    } else {
                        0.0
                    };
                    scores.instructions.run(Scale { values, share, floor: A::zero(), scale });
                    if let (false, Some(gradients)) = (scratch.is_empty(), &mut out.gradients) {
                        gradients.write(at, 0, &scratch[at * classes..(at + 1) * classes]);
                    }
                    out.write_temperature(at, dot * share.as_f64(), scores.temperature);
                }
                Ok(())
            },
        )
    }
}

/// `sum_k w_k s_k` in double precision.
fn dot<A: Accum>(weights: &[A], scores: &[A]) -> f64 {
    partial_sums(weights.iter().zip(scores).map(|(w, s)| w.as_f64() * s.as_f64()))
}

/// `totals <- totals + addends`, with the rounding errors added to `rounded_off`, on several threads. Shapes
/// `[rows, classes]`.
fn add_compensated<A: Accum>(
    instructions: Instructions,
    totals: &mut [A],
    addends: &[A],
    rounded_off: &mut [A],
    classes: usize,
) {
    let stretch = THREAD_ROWS * classes;
    let threads = threads_for(totals.len(), WAKING, totals.len().div_ceil(stretch));
    let stretches = totals.chunks_mut(stretch).zip(addends.chunks(stretch)).zip(rounded_off.chunks_mut(stretch));
    for_each_part(threads, stretches, |((totals, addends), rounded_off)| {
        instructions.run(AddCompensated { totals, addends, rounded_off });
    });
}

/// A sum that keeps its rounding errors (Knuth's two-sum).
struct AddCompensated<'r, A> {
    totals: &'r mut [A],
    addends: &'r [A],
    rounded_off: &'r mut [A],
}

impl<A: Accum> WithSimd for AddCompensated<'_, A> {
    type Output = ();

    // A plain loop, which the compiler vectorises for the instruction set.
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for ((total, &addend), rounded_off) in self.totals.iter_mut().zip(self.addends).zip(self.rounded_off) {
            let sum = *total + addend;
            let added = sum - *total;
            *rounded_off += (*total - (sum - added)) + (addend - added);
            *total = sum;
        }
    }
}

/// Calls `work` with the candidates of a segment in the accumulating type, one block after another: their own memory
/// if they are of this type, else a converted copy. The second argument holds the reciprocals of the rows' sums, if
/// the rows are still to be divided by them.
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

/// Turns the scores of a block of candidates into terms.
struct Exponents<'e, A> {
    /// The first candidate of the block.
    first: usize,
    /// Number of candidates.
    candidates: usize,
    log2_multiplicities: Option<&'e [A]>,
    inverse_sums: Option<&'e [A]>,
}

impl<A: Accum> Exponents<'_, A> {
    /// Replaces the scores in `terms` by the coefficients of the targets and adds to the rows' sums. Shape of `terms`:
    /// `[B, candidates]`.
    fn run(&self, instructions: Instructions, positives: &[usize], terms: &mut [A], sums: &mut [RowSums<A>]) {
        let stretches = terms.chunks_mut(THREAD_ROWS * self.candidates).zip(sums.chunks_mut(THREAD_ROWS));
        let stretches = stretches.zip(positives.chunks(THREAD_ROWS));
        let threads = threads_for(positives.len() * self.candidates, WAKING, positives.len().div_ceil(THREAD_ROWS));
        for_each_part(threads, stretches, |((terms, sums), positives)| {
            for ((terms, sums), &positive) in terms.chunks_exact_mut(self.candidates).zip(sums).zip(positives) {
                let own = positive.checked_sub(self.first).filter(|&own| own < self.candidates);
                instructions.run(RowTerms { exponents: self, own, terms, sums });
            }
        });
    }
}

/// [`Exponents`] of one row.
struct RowTerms<'r, 'e, A> {
    exponents: &'r Exponents<'e, A>,
    /// The row's positive, if it is among these candidates.
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
        let (terms, tail) = A::vectors::<S>(self.terms);
        let mut total: f64 = 0.0;
        for terms in terms.chunks(VECTORS_IN_SUM) {
            let mut sum = zero;
            terms.iter().for_each(|&term| sum = A::v_add(simd, sum, term));
            total += A::sum_lanes(simd, sum).as_f64();
        }
        self.sums.others += total + tail.iter().map(|term| term.as_f64()).sum::<f64>();
        // The targets in memory are not divided by their sums: divide their coefficients instead.
        if let Some(inverse_sums) = self.exponents.inverse_sums {
            let (terms, tail) = A::vectors_mut::<S>(self.terms);
            let (inverse, inverse_tail) = A::vectors::<S>(inverse_sums);
            terms.iter_mut().zip(inverse).for_each(|(term, &inverse)| *term = A::v_mul(simd, *term, inverse));
            tail.iter_mut().zip(inverse_tail).for_each(|(term, &inverse)| *term *= inverse);
        }
    }
}
