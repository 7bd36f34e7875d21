//! Compact rows: a gather for the scores, a scatter for the gradient. O(N (d + M k)), one row of M scores kept.
//!
//! `A_ij = b_j mean(S_i) + sum_k a_jk S_i,y_jk`, and `dL_i/dS_i = sum_j c_j W_j` with `c = P - E`.

use num_traits::{Float, Zero};

use super::{Outputs, Scores, log_multiplicities, row_loss};
use crate::targets::Rows;
use crate::{Accum, Batch, Element, Error};

/// The candidates side by side; the weighted classes of candidate j are at `ends[j - 1]..ends[j]`.
struct Candidates<A> {
    ends: Vec<usize>,
    classes: Vec<u32>,
    weights: Vec<A>,
    /// The uniform shares; `None` where all are equal, for then they cancel.
    uniform: Option<Vec<A>>,
    log_multiplicities: Option<Vec<A>>,
}

pub(super) fn run<E: Element, G: Element<Accum = E::Accum>>(
    scores: &Scores<'_, E>,
    batch: &Batch<'_>,
    positives: &[usize],
    outputs: &mut Outputs<'_, E, G>,
) -> Result<(), Error> {
    let candidates = Candidates::<E::Accum>::gather(batch);
    let classes = scores.classes();
    let mut row_scores = vec![E::Accum::zero(); classes];
    let mut gradient = vec![E::Accum::zero(); classes];
    let mut terms = vec![E::Accum::zero(); batch.candidates()];

    for (row, &positive) in positives.iter().enumerate() {
        scores.write_row(row, &mut row_scores)?;
        candidates.score(&row_scores, &mut terms);
        let positive_score = terms[positive];
        if let Some(log_multiplicities) = &candidates.log_multiplicities {
            terms.iter_mut().zip(log_multiplicities).for_each(|(term, &log_m)| *term += log_m);
        }
        let max = terms.iter().copied().fold(E::Accum::neg_infinity(), Float::max);
        terms.iter_mut().for_each(|term| *term = (*term - max).exp());
        let own = std::mem::take(&mut terms[positive]);
        let others: E::Accum = terms.iter().copied().sum();
        outputs.losses[row] = row_loss(max, own, others, positive_score);
        if outputs.wants_gradient() {
            let total = own + others;
            terms.iter_mut().for_each(|term| *term = *term / total);
            // P - 1, without the cancellation where P nears 1.
            terms[positive] = -(others / total);
            candidates.scatter(&terms, &mut gradient);
            outputs.write_gradient(scores, row, &gradient);
        }
    }
    Ok(())
}

impl<A: Accum> Candidates<A> {
    fn gather(batch: &Batch<'_>) -> Self {
        let (mut ends, mut classes, mut weights) = (Vec::with_capacity(batch.candidates()), Vec::new(), Vec::new());
        let mut uniform = Vec::with_capacity(batch.candidates());
        for segment in batch.segments() {
            for row in 0..segment.len() {
                let mut add = |class: usize, weight: A| {
                    classes.push(class as u32);
                    weights.push(weight);
                };
                match &segment.rows {
                    Rows::Compact(rows) => {
                        // A class that stands twice has all its weight at its first place.
                        let terms = rows.terms(row).filter(|&(_, weight)| weight != 0.0);
                        terms.for_each(|(class, weight)| add(class, A::of(weight)));
                        uniform.push(rows.uniform[row]);
                    }
                    Rows::Hard(labels) => {
                        add(labels[row] as usize, A::one());
                        uniform.push(0.0);
                    }
                    Rows::Dense(_) => {}
                }
                ends.push(classes.len());
            }
        }
        let equal = uniform.iter().all(|&share| share == uniform[0]);
        let uniform = (!equal).then(|| uniform.into_iter().map(A::of).collect());
        Candidates { ends, classes, weights, uniform, log_multiplicities: log_multiplicities(batch) }
    }

    /// The weighted classes of every candidate in turn.
    fn rows(&self) -> impl Iterator<Item = impl Iterator<Item = (usize, A)>> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, &end)| {
            let classes = self.classes[start..end].iter().map(|&class| class as usize);
            classes.zip(self.weights[start..end].iter().copied())
        })
    }

    /// Writes the candidates' scores. Shape of `out`: `[M]`.
    fn score(&self, row_scores: &[A], out: &mut [A]) {
        match &self.uniform {
            Some(uniform) => {
                let mean = row_scores.iter().copied().sum::<A>() / A::of(row_scores.len() as f64);
                out.iter_mut().zip(uniform).for_each(|(out, &share)| *out = share * mean);
            }
            None => out.fill(A::zero()),
        }
        for (out, row) in out.iter_mut().zip(self.rows()) {
            for (class, weight) in row {
                *out += weight * row_scores[class];
            }
        }
    }

    /// Writes the sum of the candidates with these coefficients, which sum to 0. Shape of `out`: `[d]`.
    fn scatter(&self, coefficients: &[A], out: &mut [A]) {
        let floor = self.uniform.as_ref().map_or(A::zero(), |uniform| {
            let sum: A = uniform.iter().zip(coefficients).map(|(&share, &c)| share * c).sum();
            sum / A::of(out.len() as f64)
        });
        out.fill(floor);
        for (&coefficient, row) in coefficients.iter().zip(self.rows()) {
            for (class, weight) in row {
                out[class] += weight * coefficient;
            }
        }
    }
}
