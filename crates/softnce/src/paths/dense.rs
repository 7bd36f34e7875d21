//! Dense rows, alone or beside other forms: matrix products over blocks of rows. O(N M d), one block of scores kept.
//!
//! `A = S W^T`, `dL/dS = (P - E) W`.

use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ArrayView2, ArrayViewMut2, Axis, s};
use num_traits::{Float, Zero};

use super::{Outputs, Scores, log_multiplicities, row_loss};
use crate::targets::{DenseRows, Rows};
use crate::{Accum, Batch, Element, Error, Targets};

/// Bytes of candidates converted at a time, where their float type is not the accumulating one.
const CONVERTED_BYTES: usize = 1 << 20;

pub(super) fn run<E: Element, G: Element<Accum = E::Accum>>(
    scores: &Scores<'_, E>,
    batch: &Batch<'_>,
    positives: &[usize],
    block_rows: usize,
    outputs: &mut Outputs<'_, E, G>,
) -> Result<(), Error> {
    let log_multiplicities = log_multiplicities::<E::Accum>(batch);
    let classes = scores.classes();
    let mut block_scores = Array2::<E::Accum>::zeros((block_rows, classes));
    let mut terms = Array2::<E::Accum>::zeros((block_rows, batch.candidates()));

    for (block, positives) in positives.chunks(block_rows).enumerate() {
        let first = block * block_rows;
        let mut block_scores = block_scores.slice_mut(s![..positives.len(), ..]);
        let mut terms = terms.slice_mut(s![..positives.len(), ..]);
        for (offset, mut out) in block_scores.outer_iter_mut().enumerate() {
            // The rows are contiguous: they are of our own making.
            if let Some(out) = out.as_slice_mut() {
                scores.write_row(first + offset, out)?;
            }
        }
        let mut column = 0;
        for segment in batch.segments() {
            let columns = s![.., column..column + segment.len()];
            score(block_scores.view(), segment, terms.slice_mut(columns));
            column += segment.len();
        }
        for (offset, (mut terms, &positive)) in terms.outer_iter_mut().zip(positives).enumerate() {
            let positive_score = terms[positive];
            if let Some(log_multiplicities) = &log_multiplicities {
                terms.iter_mut().zip(log_multiplicities).for_each(|(term, &log_m)| *term += log_m);
            }
            let max = terms.iter().copied().fold(E::Accum::neg_infinity(), Float::max);
            terms.mapv_inplace(|term| (term - max).exp());
            let own = std::mem::take(&mut terms[positive]);
            let others = terms.iter().copied().sum::<E::Accum>();
            let total = own + others;
            terms.mapv_inplace(|term| term / total);
            // P - 1, without the cancellation where P nears 1.
            terms[positive] = -(others / total);
            outputs.losses[first + offset] = row_loss(max, own, others, positive_score);
        }
        if outputs.wants_gradient() {
            // The scores are done with: their place takes the gradient.
            block_scores.fill(E::Accum::zero());
            let mut column = 0;
            for segment in batch.segments() {
                let columns = s![.., column..column + segment.len()];
                add_weighted(terms.slice_mut(columns), segment, block_scores.view_mut());
                column += segment.len();
            }
            for (offset, gradient) in block_scores.outer_iter().enumerate() {
                if let Some(gradient) = gradient.as_slice() {
                    outputs.write_gradient(scores, first + offset, gradient);
                }
            }
        }
    }
    Ok(())
}

/// `out = S W^T` for the candidates of one segment. Shapes: `[B, d]`, M' targets, `[B, M']`.
fn score<A: Accum>(scores: ArrayView2<'_, A>, segment: &Targets<'_>, mut out: ArrayViewMut2<'_, A>) {
    match &segment.rows {
        Rows::Dense(rows) => {
            for_each_block(rows, |first, weights| {
                let columns = s![.., first..first + weights.nrows()];
                general_mat_mul(A::one(), &scores, &weights.t(), A::zero(), &mut out.slice_mut(columns));
            });
            if let Some(sums) = &rows.sums {
                out.axis_iter_mut(Axis(1)).zip(sums).for_each(|(mut out, &sum)| out.mapv_inplace(|a| a / A::of(sum)));
            }
        }
        Rows::Hard(labels) => {
            for (label, mut out) in labels.iter().zip(out.axis_iter_mut(Axis(1))) {
                out.assign(&scores.column(*label as usize));
            }
        }
        Rows::Compact(rows) => {
            let means = scores.sum_axis(Axis(1)) / A::of(scores.ncols() as f64);
            for (row, mut out) in out.axis_iter_mut(Axis(1)).enumerate() {
                let uniform = A::of(rows.uniform[row]);
                out.assign(&means.mapv(|mean| mean * uniform));
                for (class, weight) in rows.terms(row) {
                    out.scaled_add(A::of(weight), &scores.column(class));
                }
            }
        }
    }
}

/// `out += C W` for the candidates of one segment; C may be overwritten. Shapes: `[B, M']`, M' targets, `[B, d]`.
fn add_weighted<A: Accum>(
    mut coefficients: ArrayViewMut2<'_, A>,
    segment: &Targets<'_>,
    mut out: ArrayViewMut2<'_, A>,
) {
    match &segment.rows {
        Rows::Dense(rows) => {
            if let Some(sums) = &rows.sums {
                let columns = coefficients.axis_iter_mut(Axis(1)).zip(sums);
                columns.for_each(|(mut column, &sum)| column.mapv_inplace(|c| c / A::of(sum)));
            }
            for_each_block(rows, |first, weights| {
                let columns = s![.., first..first + weights.nrows()];
                general_mat_mul(A::one(), &coefficients.slice(columns), &weights, A::one(), &mut out);
            });
        }
        Rows::Hard(labels) => {
            for (label, coefficient) in labels.iter().zip(coefficients.axis_iter(Axis(1))) {
                let mut column = out.column_mut(*label as usize);
                column += &coefficient;
            }
        }
        Rows::Compact(rows) => {
            for (mut out, coefficients) in out.outer_iter_mut().zip(coefficients.outer_iter()) {
                let spread = coefficients.iter().zip(&rows.uniform).map(|(&c, &share)| c * A::of(share)).sum::<A>();
                out += spread / A::of(out.len() as f64);
            }
            for (row, coefficient) in coefficients.axis_iter(Axis(1)).enumerate() {
                for (class, weight) in rows.terms(row) {
                    out.column_mut(class).scaled_add(A::of(weight), &coefficient);
                }
            }
        }
    }
}

/// Hands over the rows, not yet divided by their sums, in the accumulating type: as they are where they have it, else converted a block at a time.
fn for_each_block<A: Accum>(rows: &DenseRows<'_>, mut work: impl FnMut(usize, ArrayView2<'_, A>)) {
    let rows = &rows.values;
    if let Some(rows) = A::dense_view(rows) {
        return work(0, rows);
    }
    let (len, classes) = rows.dim();
    let block_rows = (CONVERTED_BYTES / (classes * size_of::<A>())).clamp(1, len);
    let mut buffer = Array2::<A>::zeros((block_rows, classes));
    for first in (0..len).step_by(block_rows) {
        let mut block = buffer.slice_mut(s![..block_rows.min(len - first), ..]);
        rows.copy_rows(first, block.view_mut());
        work(first, block.view());
    }
}
