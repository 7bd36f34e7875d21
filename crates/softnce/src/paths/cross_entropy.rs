//! Soft target cross-entropy and its hard case. O(N d), O(N k) more for compact rows.
//!
//! `L_i = -sum_k W_ik log softmax(S_i)_k`, `dL_i/dS_i = (sum_k W_ik) softmax(S_i) - W_i`.

use num_traits::{Float, Zero};

use super::{Outputs, Scores, row_loss};
use crate::targets::{Compact, Dense, Rows};
use crate::{Accum, Batch, Element, Error};

pub(crate) fn cross_entropy<E: Element, G: Element<Accum = E::Accum>>(
    scores: &Scores<'_, E>,
    batch: &Batch<'_>,
    positives: &[usize],
    outputs: &mut Outputs<'_, E, G>,
) -> Result<(), Error> {
    let mut row_scores = vec![E::Accum::zero(); scores.classes()];
    let mut terms = vec![E::Accum::zero(); scores.classes()];
    for (row, &positive) in positives.iter().enumerate() {
        scores.write_row(row, &mut row_scores)?;
        let Some((segment, target)) = batch.candidate(positive) else { continue };
        let max = row_scores.iter().copied().fold(E::Accum::neg_infinity(), Float::max);
        terms.iter_mut().zip(&row_scores).for_each(|(term, &score)| *term = (score - max).exp());
        outputs.losses[row] = match &segment.rows {
            Rows::Hard(labels) => hard_row(labels[target] as usize, max, &row_scores, &mut terms),
            Rows::Compact(rows) => compact_row(rows, target, max, &row_scores, &mut terms),
            Rows::Dense(rows) => dense_row(rows, target, max, &row_scores, &mut terms),
        };
        outputs.write_gradient(scores, row, &terms);
    }
    Ok(())
}

// Each of these returns the row's loss and turns `terms`, the exponentials relative to the maximum, into the gradient.

fn hard_row<A: Accum>(label: usize, max: A, scores: &[A], terms: &mut [A]) -> A {
    let own = std::mem::take(&mut terms[label]);
    let others: A = terms.iter().copied().sum();
    let total = own + others;
    terms.iter_mut().for_each(|term| *term = *term / total);
    // P - 1, without the cancellation where P nears 1.
    terms[label] = -(others / total);
    row_loss(max, own, others, scores[label])
}

fn compact_row<A: Accum>(rows: &Compact<'_>, target: usize, max: A, scores: &[A], terms: &mut [A]) -> A {
    let total: A = terms.iter().copied().sum();
    let log_total = max + Float::ln(total);
    let uniform = A::of(rows.uniform[target]);
    let classes = A::of(scores.len() as f64);
    let weighted = || rows.terms(target).map(|(class, weight)| (class, A::of(weight)));
    let mut loss: A = weighted().map(|(class, weight)| weight * (log_total - scores[class])).sum();
    if uniform != A::zero() {
        loss += uniform / classes * scores.iter().map(|&score| log_total - score).sum::<A>();
    }
    let mass: A = uniform + weighted().map(|(_, weight)| weight).sum();
    let floor = uniform / classes;
    terms.iter_mut().for_each(|term| *term = mass * (*term / total) - floor);
    weighted().for_each(|(class, weight)| terms[class] = terms[class] - weight);
    loss
}

fn dense_row<A: Accum>(rows: &Dense<'_>, target: usize, max: A, scores: &[A], terms: &mut [A]) -> A {
    let total: A = terms.iter().copied().sum();
    let log_total = max + Float::ln(total);
    let (mut loss, mut mass) = (A::zero(), A::zero());
    for (class, &score) in scores.iter().enumerate() {
        let weight = A::of(rows.get(target, class));
        loss += weight * (log_total - score);
        mass += weight;
    }
    for (class, term) in terms.iter_mut().enumerate() {
        *term = mass * (*term / total) - A::of(rows.get(target, class));
    }
    loss
}
