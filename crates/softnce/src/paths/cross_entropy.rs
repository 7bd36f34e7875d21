//! Soft target cross-entropy and NLL, its special case with hard labels. O(N d).
//!
//! `L_i = -sum_k W_ik log softmax(S_i)_k`, `dL_i/dS_i = softmax(S_i) - W_i`, with the scores `S = Z / tau` and the
//! targets W, both `[N, d]`. Soft target InfoNCE with classes as candidates is the same with a bias on each class; see
//! [`super::class_candidates`].

use num_traits::{Float, Zero};
use softnce_kernels::parallel::{WAKING, for_each, threads_for};

use super::blocks::{Working, rows_at_once};
use super::class_bias::ClassBias;
use super::row::{Exponentials, Find, LessTargets, Scale, dot_with_scores, sum_of_scores};
use super::scores::{Extents, ToScores};
use super::terms::natural;
use super::{Inputs, Outputs, Scores};
use crate::targets::Rows;
use crate::{Accum, Element, Error};

/// Classes of a compact target whose losses are added up in the accumulating type before the sum goes on in double
/// precision.
const CLASSES_IN_SUM: usize = 64;

pub(crate) fn cross_entropy<E: Element, G: Element<Accum = E::Accum>>(
    inputs: Inputs<'_, E>,
    bias: Option<&ClassBias<E::Accum>>,
    outputs: &mut Outputs<'_, E::Accum, G>,
) -> Result<(), Error> {
    let Inputs { scores, batch, positives } = inputs;
    let rows = rows_at_once(scores.classes());
    let threads = threads_for(scores.rows() * scores.classes(), WAKING, scores.rows().div_ceil(rows));
    let working = || (Working::new(scores), Vec::new());
    for_each(threads, outputs.blocks(rows), working, |(working, weights), mut out| {
        (0..out.losses.len()).try_for_each(|at| {
            let Some((segment, row)) = batch.candidate(positives[out.first + at]) else { return Ok(()) };
            one_row(scores, bias, (&segment.rows, row), (&mut *working, &mut *weights), at, &mut out)
        })
    })
}

/// Loss and gradient of row `at` of a block, whose target is row `target` of `targets`.
fn one_row<E: Element, G: Element<Accum = E::Accum>>(
    scores: &Scores<'_, E>,
    bias: Option<&ClassBias<E::Accum>>,
    (targets, target): (&Rows<'_>, usize),
    (working, weights): (&mut Working<E::Accum>, &mut Vec<E::Accum>),
    at: usize,
    out: &mut Outputs<'_, E::Accum, G>,
) -> Result<(), Error> {
    let (classes, rate, row) = (scores.classes(), scores.rate, out.first + at);
    let mut origin = scores.origin(row, &mut working.logits)?;
    let logits = scores.logits(row, 0..classes, &mut working.logits);
    let demand = out.demand(at, scores.temperature);
    let values = out.row(at, &mut working.terms);
    // The class with the largest term, which is 1: the sum of the other terms gives 1 - P of this class without
    // cancellation.
    let unequal = bias.and_then(ClassBias::unequal);
    let (top, offset) = match (bias, unequal) {
        (Some(classes), Some(bias2)) => {
            // The largest logit may belong to a class that is no candidate.
            origin = classes.largest_logit(logits).unwrap_or(origin);
            let shift = Some(bias2);
            scores.instructions.run(ToScores { logits, origin, rate: scores.rate2, shift, out: &mut *values });
            let offset = scores.instructions.run(Extents(values)).highest;
            (scores.instructions.run(Find { values, value: offset }), offset)
        }
        _ => (scores.instructions.run(Find { values: logits, value: origin }), E::Accum::zero()),
    };
    let terms = scores.instructions.run(Exponentials {
        logits,
        origin,
        rate: scores.rate2,
        bias: unequal,
        offset,
        own: top,
        out: values,
    });
    let total = terms.own + terms.others;
    let log_total = match unequal {
        Some(_) => E::Accum::of(total.as_f64().ln() + natural(offset.as_f64())),
        None => Float::ln_1p(terms.others),
    };
    let softmax =
        Softmax { logits, origin, rate, top, top_rest: terms.others / total, share: total.recip(), log_total };
    values[top] = terms.own;
    let wants_temperature = demand.is_some_and(|(_, wants)| wants);
    // The gradient with respect to the temperature needs the one with respect to the scores, which is not yet scaled.
    let scale = demand.map_or(E::Accum::zero(), |(scale, _)| if wants_temperature { E::Accum::of(1.0) } else { scale });
    let loss = match targets {
        Rows::Hard(labels) => {
            let one = std::iter::once((labels[target] as usize, E::Accum::of(1.0)));
            softmax.few(scores, one, E::Accum::zero(), values, scale)
        }
        Rows::Compact(rows) => {
            let entries = rows.entries(target).filter(|&(_, weight)| weight != 0.0);
            let entries = entries.map(|(class, weight)| (class, E::Accum::of(weight)));
            softmax.few(scores, entries, E::Accum::of(rows.uniform[target] / classes as f64), values, scale)
        }
        Rows::Dense(rows) => {
            weights.resize(classes, E::Accum::zero());
            softmax.every(scores, rows.row(target, weights), values, scale)
        }
    };
    out.losses[at] = match bias {
        Some(bias) => E::Accum::of(loss.as_f64() + bias.constant(targets, target, weights)),
        None => loss,
    };
    if let Some((scale, true)) = demand {
        let values = out.row(at, &mut working.terms);
        let dot = dot_with_scores(values, logits, origin, rate);
        let (share, floor) = (E::Accum::of(1.0), E::Accum::zero());
        scores.instructions.run(Scale { values, share, floor, scale });
        out.write_temperature(at, dot, scores.temperature);
    }
    out.write_row(at, &working.terms);
    Ok(())
}

/// The softmax of a row: `P = share exp(S + bias)`, with the scores relative to the origin.
struct Softmax<'r, A> {
    logits: &'r [A],
    origin: A,
    rate: A,
    /// The class with the largest term.
    top: usize,
    /// `1 - P` of this class.
    top_rest: A,
    /// The reciprocal of the sum of the terms.
    share: A,
    /// `log sum_k exp(S_k + bias_k)`.
    log_total: A,
}

impl<A: Accum> Softmax<'_, A> {
    /// `-log P` of a class, plus its bias.
    fn surprise(&self, class: usize) -> A {
        self.log_total - (self.logits[class] - self.origin) * self.rate
    }

    /// The loss of a target with weight `floor` on every class, plus `weighted` on a few classes, each of them listed
    /// once.
    ///
    /// Replaces `terms` by the gradient.
    fn few<E: Element<Accum = A>>(
        &self,
        scores: &Scores<'_, E>,
        weighted: impl Iterator<Item = (usize, A)>,
        floor: A,
        terms: &mut [A],
        scale: A,
    ) -> A {
        let mut loss = A::zero();
        if floor != A::zero() {
            let classes = terms.len() as f64;
            let sum = sum_of_scores(self.logits, self.origin, self.rate);
            loss = A::of(floor.as_f64() * (classes * self.log_total.as_f64() - sum));
        }
        scores.instructions.run(Scale { values: terms, share: self.share, floor: -floor, scale });
        let mut on_top = floor;
        let mut summed = 0.0;
        for (number, (class, weight)) in weighted.enumerate() {
            // In stretches, so that the rounding error does not grow with the number of classes.
            if number > 0 && number.is_multiple_of(CLASSES_IN_SUM) {
                summed += std::mem::replace(&mut loss, A::zero()).as_f64();
            }
            loss += weight * self.surprise(class);
            if class == self.top { on_top += weight } else { terms[class] = terms[class] - weight * scale }
        }
        loss = A::of(summed + loss.as_f64());
        // P - W of the largest class, computed as (1 - W) - (1 - P) because P may be near 1.
        terms[self.top] = ((A::one() - on_top) - self.top_rest) * scale;
        loss
    }

    /// The loss of a target with a weight for every class, `weights` times `weight_share`.
    ///
    /// Replaces `terms` by the gradient.
    fn every<E: Element<Accum = A>>(
        &self,
        scores: &Scores<'_, E>,
        (weights, weight_share): (&[A], A),
        terms: &mut [A],
        scale: A,
    ) -> A {
        let &Softmax { logits, origin, rate, log_total, share, .. } = self;
        let less = LessTargets { logits, origin, rate, log_total, weights, weight_share, terms, share, scale };
        let loss = A::of(scores.instructions.run(less));
        terms[self.top] = ((A::one() - weights[self.top] * weight_share) - self.top_rest) * scale;
        loss
    }
}
