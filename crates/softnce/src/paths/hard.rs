//! Soft target InfoNCE of hard labels. O(N d + M).
//!
//! Candidates with the same label are equal, so they merge into class counts:
//! `L_i = -S_i,y + log sum_c n_c exp(S_i,c)`, where `n_c` is the number of candidates with label c, y is the label of
//! row i, and S are the scores `Z / tau - log eta`. This is a cross-entropy with `log n_c` added to the scores.

use num_traits::{Float, Zero};
use softnce_kernels::parallel::{WAKING, for_each, for_each_part, threads_for};

use super::blocks::{Working, rows_at_once};
use super::inputs::Inputs;
use super::outputs::Outputs;
use super::row::{Exponentials, Scale, Terms, dot_with_scores, largest};
use super::scores::Scores;
use super::terms::{natural, needs_offset, relative_logs, row_loss, to_base_2};
use crate::targets::Rows;
use crate::{Accum, Batch, Element, Error};

/// Labels that one thread counts at a time.
const LABELS_PER_TABLE: usize = 1 << 14;

/// How often each class occurs among the candidates.
struct ClassCounts<A> {
    /// `log2 (n / largest n) - log2 eta`, shifted so that neither part is above 0; a very low number for a class that
    /// does not occur. Shape `[d]`.
    bias2: Vec<A>,
    /// The logarithm of the largest count.
    log_unit: f64,
    /// `log (n / largest n)`; minus infinity for a class that does not occur. Shape `[d]`.
    log_counts: Vec<f64>,
}

pub(super) fn run<E: Element, G: Element<Accum = E::Accum>>(
    inputs: Inputs<'_, E>,
    outputs: &mut Outputs<'_, E::Accum, G>,
) -> Result<(), Error> {
    let Inputs { scores, batch, positives } = inputs;
    let classes = scores.classes();
    let counts = ClassCounts::new(scores, batch);
    let labels: Vec<usize> = positives.iter().map(|&positive| label_of(batch, positive)).collect();
    let rows = rows_at_once(classes);
    let threads = threads_for(scores.rows() * classes, WAKING, scores.rows().div_ceil(rows));
    let working = || Working::new(scores);
    for_each(threads, outputs.blocks(rows), working, |working, out| block(scores, &counts, &labels, working, out))
}

fn block<E: Element, G: Element<Accum = E::Accum>>(
    scores: &Scores<'_, E>,
    counts: &ClassCounts<E::Accum>,
    labels: &[usize],
    working: &mut Working<E::Accum>,
    mut out: Outputs<'_, E::Accum, G>,
) -> Result<(), Error> {
    let (classes, rate, rate2) = (scores.classes(), scores.rate, scores.rate2);
    for at in 0..out.losses.len() {
        let row = out.first + at;
        let label = labels[row];
        let mut origin = scores.origin(row, &mut working.logits)?;
        let logits = scores.logits(row, 0..classes, &mut working.logits);
        let values = out.row(at, &mut working.terms);

        let bias = Some(&counts.bias2[..]);
        let run = |origin: E::Accum, offset: E::Accum, values: &mut [E::Accum]| {
            let exponentials = Exponentials { logits, origin, rate: rate2, bias, offset, own: label, out: values };
            scores.instructions.run(exponentials)
        };
        let mut offset = E::Accum::zero();
        let mut terms = run(origin, offset, values);
        if needs_offset(terms.own + terms.others) {
            // A class that does not occur may be so far above the others that their scores have lost all digits. One of
            // the logits themselves as the origin, without any arithmetic: a rounding error of the origin would shift
            // every score, at logits of 1e35 by far more than the exponential can take.
            origin = counts.largest_logit(logits);
            offset = largest(logits, origin, rate2, bias);
            terms = run(origin, offset, values);
        }
        let Terms { own, others } = terms;
        let shift = scores.shift.as_ref().map_or(0.0, |shift| shift[label].as_f64());
        let score = (logits[label] - origin).as_f64() / scores.temperature + shift;
        let log_count = counts.log_counts[label] + counts.log_unit;
        out.losses[at] = row_loss(own, others, log_count, natural(offset.as_f64()) + counts.log_unit, || score);

        if let Some((scale, wants_temperature)) = out.demand(at, scores.temperature) {
            let values = out.row(at, &mut working.terms);
            // P - 1 = -others / (own + others), which keeps its digits where P is near 1.
            values[label] = -others;
            let share = (own + others).recip();
            let dot = if wants_temperature { dot_with_scores(values, logits, origin, rate) } else { 0.0 };
            scores.instructions.run(Scale { values, share, floor: E::Accum::zero(), scale });
            out.write_temperature(at, dot * share.as_f64(), scores.temperature);
            out.write_row(at, &working.terms);
        }
    }
    Ok(())
}

impl<A: Accum> ClassCounts<A> {
    fn new<E: Element<Accum = A>>(scores: &Scores<'_, E>, batch: &Batch<'_>) -> Self {
        let multiplicities = batch.multiplicities();
        // Divided by the largest multiplicity, so that sums of huge multiplicities do not overflow.
        let unit = multiplicities.map_or(1.0, |multiplicities| multiplicities.iter().copied().fold(0.0, f64::max));
        let counts = match multiplicities {
            Some(multiplicities) => {
                let mut counts = vec![0.0; scores.classes()];
                let labels = batch.segments().iter().filter_map(|segment| segment.labels()).flatten();
                labels.zip(multiplicities).for_each(|(&label, count)| counts[label as usize] += count / unit);
                counts
            }
            None => counted(batch, scores.classes()).into_iter().map(|count| count as f64).collect(),
        };
        let (logs, largest) = relative_logs(&counts);
        let bias2 = match &scores.shift2 {
            Some(shift2) => logs.iter().zip(shift2).map(|(&log, &shift2)| to_base_2::<A>(log) + shift2).collect(),
            None => logs.iter().map(|&log| to_base_2(log)).collect(),
        };
        ClassCounts { bias2, log_unit: largest + unit.ln(), log_counts: logs }
    }

    /// The largest logit of a row among the classes that occur.
    fn largest_logit(&self, logits: &[A]) -> A {
        let occurring = logits.iter().zip(&self.log_counts).filter(|(_, log)| log.is_finite());
        occurring.fold(A::neg_infinity(), |largest, (&logit, _)| Float::max(largest, logit))
    }
}

/// How often each class occurs. Many labels are counted in stretches on several threads, each into a table of its own.
fn counted(batch: &Batch<'_>, classes: usize) -> Vec<u64> {
    let stretch = LABELS_PER_TABLE.max(2 * classes);
    let labels = || batch.segments().iter().filter_map(|segment| segment.labels());
    let stretches: Vec<_> = labels()
        .flat_map(|labels| {
            (0..labels.len())
                .step_by(stretch)
                .map(move |first| labels.slice_move(ndarray::s![first..labels.len().min(first + stretch)]))
        })
        .collect();
    let mut tables = vec![0u64; stretches.len() * classes];
    let work = tables.chunks_exact_mut(classes).zip(&stretches);
    let threads = threads_for(batch.candidates(), WAKING, stretches.len());
    for_each_part(threads, work, |(table, labels)| labels.iter().for_each(|&label| table[label as usize] += 1));
    let (counts, others) = tables.split_at_mut(classes);
    others.chunks_exact(classes).for_each(|table| {
        counts.iter_mut().zip(table).for_each(|(count, more)| *count += more);
    });
    tables.truncate(classes);
    tables
}

fn label_of(batch: &Batch<'_>, candidate: usize) -> usize {
    match batch.candidate(candidate).map(|(segment, row)| (&segment.rows, row)) {
        Some((Rows::Hard(labels), row)) => labels[row] as usize,
        _ => 0,
    }
}
