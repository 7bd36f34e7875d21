//! Soft target cross-entropy and its hard case. O(N d), O(N k) more for compact rows.
//!
//! `L_i = -sum_k W_ik log softmax(S_i)_k`, `dL_i/dS_i = softmax(S_i) - W_i`.

use num_traits::{Float, Zero};

use super::{Outputs, Scores};
use crate::targets::{Compact, DenseRows, Rows};
use crate::{Accum, Batch, Element, Error};

pub(crate) fn cross_entropy<E: Element, G: Element<Accum = E::Accum>>(
    scores: &Scores<'_, E>,
    batch: &Batch<'_>,
    positives: &[usize],
    outputs: &mut Outputs<'_, E, G>,
) -> Result<(), Error> {
    let mut row_scores = vec![E::Accum::zero(); scores.classes()];
    let mut terms = vec![E::Accum::zero(); scores.classes()];
    for (number, &positive) in positives.iter().enumerate() {
        scores.write_row(number, &mut row_scores)?;
        let Some((segment, target)) = batch.candidate(positive) else { continue };
        let top =
            row_scores.iter().enumerate().fold(0, |top, (class, &s)| if s > row_scores[top] { class } else { top });
        let row = Row::new(&row_scores, top, &mut terms);
        outputs.losses[number] = match &segment.rows {
            Rows::Hard(labels) => row.hard(labels[target] as usize),
            Rows::Compact(rows) => row.compact(rows, target),
            Rows::Dense(rows) => row.dense(rows, target),
        };
        outputs.write_gradient(scores, number, &terms);
    }
    Ok(())
}

/// A row of scores, and the probabilities that turn into its gradient.
struct Row<'r, A> {
    scores: &'r [A],
    /// The largest class's score plus `log(1 + others)`: the logarithm of the sum of all exponentials.
    log_total: A,
    gradient: &'r mut [A],
    /// The largest class and `1 - P` there, which the others' sum gives without cancellation.
    top: usize,
    top_rest: A,
}

impl<'r, A: Accum> Row<'r, A> {
    fn new(scores: &'r [A], top: usize, gradient: &'r mut [A]) -> Self {
        gradient.iter_mut().zip(scores).for_each(|(term, &score)| *term = (score - scores[top]).exp());
        gradient[top] = A::zero();
        let others: A = gradient.iter().copied().sum();
        let total = A::one() + others;
        gradient.iter_mut().for_each(|term| *term = *term / total);
        gradient[top] = A::one() / total;
        Row { scores, log_total: scores[top] + Float::ln_1p(others), gradient, top, top_rest: others / total }
    }

    /// Takes a target's weight off the gradient of a class: `P - W`, as `(1 - W) - (1 - P)` where P nears 1.
    fn subtract(&mut self, class: usize, weight: A) {
        self.gradient[class] =
            if class == self.top { (A::one() - weight) - self.top_rest } else { self.gradient[class] - weight };
    }

    fn hard(mut self, label: usize) -> A {
        self.subtract(label, A::one());
        self.log_total - self.scores[label]
    }

    fn compact(mut self, rows: &Compact<'_>, target: usize) -> A {
        let floor = A::of(rows.uniform[target] / self.scores.len() as f64);
        let terms = || rows.terms(target).filter(|&(_, weight)| weight != 0.0);
        let mut loss: A = terms().map(|(class, weight)| A::of(weight) * (self.log_total - self.scores[class])).sum();
        // The largest class's whole weight first: it is taken off at once.
        let on_top = terms().find(|&(class, _)| class == self.top).map_or(A::zero(), |(_, weight)| A::of(weight));
        if floor != A::zero() {
            loss += floor * self.scores.iter().map(|&score| self.log_total - score).sum::<A>();
            self.gradient.iter_mut().for_each(|gradient| *gradient = *gradient - floor);
        }
        let top = self.top;
        self.subtract(top, floor + on_top);
        for (class, weight) in terms().filter(|&(class, _)| class != top) {
            self.subtract(class, A::of(weight));
        }
        loss
    }

    fn dense(mut self, rows: &DenseRows<'_>, target: usize) -> A {
        let mut loss = A::zero();
        for class in 0..self.scores.len() {
            let weight = A::of(rows.get(target, class));
            loss += weight * (self.log_total - self.scores[class]);
            self.subtract(class, weight);
        }
        loss
    }
}
