//! Hard labels: equal candidates merge into class counts. O(N d + M).
//!
//! `L_i = -S_i,y + log sum_c n_c exp(S_i,c)` over the classes c that occur, n_c of them: a cross-entropy with the
//! logarithms of the counts added to the scores.

use std::convert::Infallible;

use num_traits::{Float, Zero};
use softnce_kernels::parallel::{WAKING, for_each, threads_for};

use super::outputs::Part;
use super::row::{Exponentials, Scale, Terms, dot_with_scores, largest};
use super::scores::zeroed;
use super::{Outputs, Scores, natural, out_of_reach, relative_logs, row_loss, to_base_2};
use crate::targets::Rows;
use crate::{Accum, Batch, Element, Error};

/// Labels counted at once.
const COUNTED_AT_ONCE: usize = 1 << 14;

/// What the candidates add to a row's scores.
struct Counts<A> {
    /// `-log2 eta + log2 n` relative to the largest; lowest for a class that does not occur. Shape `[d]`.
    bias2: Vec<A>,
    /// The logarithm of the largest count, as it is counted in.
    log_unit: f64,
    /// `log n` relative to the largest. Shape `[d]`.
    log_counts: Vec<f64>,
}

pub(super) fn run<E: Element, G: Element<Accum = E::Accum>>(
    scores: &Scores<'_, E>,
    batch: &Batch<'_>,
    positives: &[usize],
    outputs: &mut Outputs<'_, E::Accum, G>,
) -> Result<(), Error> {
    let classes = scores.classes();
    let counts = Counts::new(scores, batch);
    let labels: Vec<usize> = positives.iter().map(|&positive| label_of(batch, positive)).collect();
    let rows = rows_at_once(classes);
    let threads = threads_for(scores.rows() * classes, WAKING, scores.rows().div_ceil(rows));
    let working = || Working::new(scores);
    for_each(threads, outputs.parts(rows), working, |working, part| block(scores, &counts, &labels, working, part))
}

/// How many rows a thread takes at once: enough that taking them costs nothing beside working on them.
pub(super) fn rows_at_once(classes: usize) -> usize {
    (1 << 14) / classes.clamp(1, 1 << 14)
}

/// Working memory of a thread.
pub(super) struct Working<A> {
    /// A row of logits, where they do not lie in memory as they are needed.
    pub(super) logits: Vec<A>,
    /// A row of gradients likewise.
    pub(super) terms: Vec<A>,
}

impl<A: Accum> Working<A> {
    pub(super) fn new<E: Element<Accum = A>>(scores: &Scores<'_, E>) -> Self {
        Working { logits: zeroed(scores.classes()), terms: zeroed(scores.classes()) }
    }
}

fn block<E: Element, G: Element<Accum = E::Accum>>(
    scores: &Scores<'_, E>,
    counts: &Counts<E::Accum>,
    labels: &[usize],
    working: &mut Working<E::Accum>,
    mut part: Part<'_, E::Accum, G>,
) -> Result<(), Error> {
    let (classes, rate, rate2) = (scores.classes(), scores.rate, scores.rate2);
    for at in 0..part.losses.len() {
        let row = part.first + at;
        let label = labels[row];
        let mut origin = scores.origin(row, &mut working.logits)?;
        let logits = scores.logits(row, 0..classes, &mut working.logits);
        let values = part.row(at, &mut working.terms);

        let bias = Some(&counts.bias2[..]);
        let run = |origin: E::Accum, offset: E::Accum, values: &mut [E::Accum]| {
            let exponentials = Exponentials { logits, origin, rate: rate2, bias, offset, own: label, out: values };
            scores.instructions.run(exponentials)
        };
        let mut offset = E::Accum::zero();
        let mut terms = run(origin, offset, values);
        if out_of_reach(terms.own + terms.others) {
            // First relative to the largest class that occurs: one that does not may have taken all digits.
            origin += largest(logits, origin, rate2, bias) / rate2;
            offset = largest(logits, origin, rate2, bias);
            terms = run(origin, offset, values);
        }
        let Terms { own, others } = terms;
        let shift = scores.shift.as_ref().map_or(0.0, |shift| shift[label].as_f64());
        let score = (logits[label] - origin).as_f64() / scores.temperature + shift;
        let log_count = counts.log_counts[label] + counts.log_unit;
        part.losses[at] = row_loss(own, others, log_count, natural(offset.as_f64()) + counts.log_unit, score);

        if let Some((scale, wants_temperature)) = part.demand(at, scores.temperature) {
            let values = part.row(at, &mut working.terms);
            // P - 1, without the cancellation where P nears 1.
            values[label] = -others;
            let share = (own + others).recip();
            if wants_temperature {
                let dot = dot_with_scores(values, logits, origin, rate) * share.as_f64();
                scores.instructions.run(Scale { values, share, floor: E::Accum::zero(), scale });
                part.write_temperature(at, dot, scores.temperature);
            } else {
                scores.instructions.run(Scale { values, share, floor: E::Accum::zero(), scale });
            }
            part.write_row(at, &working.terms);
        }
    }
    Ok(())
}

impl<A: Accum> Counts<A> {
    fn new<E: Element<Accum = A>>(scores: &Scores<'_, E>, batch: &Batch<'_>) -> Self {
        let multiplicities = batch.multiplicities();
        // Counted in units of the largest, so that the sum of huge ones stays in range.
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
        Counts { bias2, log_unit: largest + unit.ln(), log_counts: logs }
    }
}

/// How often each class occurs. Many labels are counted in stretches, each into a table of its own.
fn counted(batch: &Batch<'_>, classes: usize) -> Vec<u64> {
    let stretch = COUNTED_AT_ONCE.max(2 * classes);
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
    let outcome = for_each(
        threads,
        work,
        || (),
        |(), (table, labels)| {
            labels.iter().for_each(|&label| table[label as usize] += 1);
            Ok::<(), Infallible>(())
        },
    );
    let Ok(()) = outcome;
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
