//! Hard labels: equal candidates merge into class counts. O(N d + M).
//!
//! `L_i = -S_i,y + log sum_c n_c exp(S_i,c)` over the classes c that occur, n_c of them.

use num_traits::{Float, Zero};

use super::{Outputs, Scores, row_loss};
use crate::targets::Rows;
use crate::{Accum, Batch, Element, Error};

pub(super) fn run<E: Element, G: Element<Accum = E::Accum>>(
    scores: &Scores<'_, E>,
    batch: &Batch<'_>,
    positives: &[usize],
    outputs: &mut Outputs<'_, E, G>,
) -> Result<(), Error> {
    let classes = scores.classes();
    let present = log_counts::<E::Accum>(batch, classes);
    let mut row_scores = vec![E::Accum::zero(); classes];
    let mut gradient = vec![E::Accum::zero(); classes];
    let mut terms = vec![E::Accum::zero(); present.len()];

    for (row, &positive) in positives.iter().enumerate() {
        scores.write_row(row, &mut row_scores)?;
        let label = label_of(batch, positive);
        let scored = |&(class, log_count): &(usize, E::Accum)| row_scores[class] + log_count;
        let max = present.iter().map(scored).fold(E::Accum::neg_infinity(), Float::max);
        let (mut own, mut others) = (E::Accum::zero(), E::Accum::zero());
        for (term, entry) in terms.iter_mut().zip(&present) {
            *term = (scored(entry) - max).exp();
            if entry.0 == label { own = *term } else { others += *term }
        }
        outputs.losses[row] = row_loss(max, own, others, row_scores[label]);
        if outputs.wants_gradient() {
            gradient.fill(E::Accum::zero());
            let total = own + others;
            present.iter().zip(&terms).for_each(|(&(class, _), &term)| gradient[class] = term / total);
            // P - 1, without the cancellation where P nears 1.
            gradient[label] = -(others / total);
            outputs.write_gradient(scores, row, &gradient);
        }
    }
    Ok(())
}

/// The classes among the candidates, each with the logarithm of how often, multiplicities counted in.
fn log_counts<A: Accum>(batch: &Batch<'_>, classes: usize) -> Vec<(usize, A)> {
    let mut counts = vec![0.0; classes];
    let multiplicities = batch.multiplicities();
    // Counted in units of the largest, so that the sum of huge ones stays in range.
    let unit = multiplicities.map_or(1.0, |multiplicities| multiplicities.iter().copied().fold(0.0, f64::max));
    let labels = batch.segments().iter().filter_map(|segment| segment.labels());
    let mut candidate = 0;
    for labels in labels {
        for &label in labels {
            counts[label as usize] += multiplicities.map_or(1.0, |m| m[candidate] / unit);
            candidate += 1;
        }
    }
    let present = counts.into_iter().enumerate().filter(|&(_, count)| count > 0.0);
    present.map(|(class, count)| (class, A::of(count.ln() + unit.ln()))).collect()
}

fn label_of(batch: &Batch<'_>, candidate: usize) -> usize {
    match batch.candidate(candidate).map(|(segment, row)| (&segment.rows, row)) {
        Some((Rows::Hard(labels), row)) => labels[row] as usize,
        _ => 0,
    }
}
