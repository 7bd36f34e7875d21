//! The computations, one file a path, chosen by the form of the targets.
//!
//! Each path works row by row (the dense one in blocks of rows) on scores prepared by [`Scores`] and hands each row's
//! loss and gradient to [`Outputs`]; nothing else is kept, so the rows are independent.

mod compact;
mod cross_entropy;
mod dense;
mod hard;

use ndarray::{Array1, Array2, ArrayView2};
use num_traits::Float;

pub(crate) use cross_entropy::cross_entropy;

use crate::{Accum, Batch, Element, Error, Form, NoiseDistribution};

/// Bytes of scores the dense path keeps at once, where the caller sets no number of rows.
const BLOCK_BYTES: usize = 4 << 20;

/// Soft target InfoNCE on the path that fits the candidates.
pub(crate) fn soft_target_info_nce<E: Element, G: Element<Accum = E::Accum>>(
    scores: &Scores<'_, E>,
    batch: &Batch<'_>,
    positives: &[usize],
    block_rows: Option<usize>,
    outputs: &mut Outputs<'_, E, G>,
) -> Result<(), Error> {
    let forms = || batch.segments().iter().map(|segment| segment.form());
    if forms().all(|form| form == Form::Hard) {
        hard::run(scores, batch, positives, outputs)
    } else if forms().all(|form| form != Form::Dense) {
        compact::run(scores, batch, positives, outputs)
    } else {
        // A row of the block holds its scores by class and by candidate.
        let row_bytes = (batch.candidates() + scores.classes()) * size_of::<E::Accum>();
        let block_rows = block_rows.unwrap_or(BLOCK_BYTES / row_bytes.max(1)).clamp(1, positives.len().max(1));
        dense::run(scores, batch, positives, block_rows, outputs)
    }
}

/// The scores `S = Z / tau - log eta`, computed a row at a time.
pub(crate) struct Scores<'a, E: Element> {
    logits: ArrayView2<'a, E>,
    temperature: f64,
    /// `-log eta`; `None` where eta is uniform, which changes nothing.
    shift: Option<Vec<E::Accum>>,
}

impl<'a, E: Element> Scores<'a, E> {
    pub(crate) fn new(logits: ArrayView2<'a, E>, temperature: f64, noise: &NoiseDistribution) -> Self {
        let shift =
            noise.log_probabilities().map(|log_eta| log_eta.iter().map(|&log_p| E::Accum::of(-log_p)).collect());
        Scores { logits, temperature, shift }
    }

    pub(crate) fn classes(&self) -> usize {
        self.logits.ncols()
    }

    /// Writes the scores of a row, less the row's largest logit over the temperature: a constant off a row changes
    /// no loss, and the digits that large logits would take from noise and multiplicities stay. Shape of `out`: `[d]`.
    ///
    /// Refuses logits that are not finite and scores so large that a sum over the classes could overflow.
    pub(crate) fn write_row(&self, row: usize, out: &mut [E::Accum]) -> Result<(), Error> {
        let temperature = E::Accum::of(self.temperature);
        let limit = self.limit();
        let logits = self.logits.row(row);
        let largest = self.largest(row);
        let mut in_range = true;
        match &self.shift {
            None => out.iter_mut().zip(logits).for_each(|(score, logit)| {
                *score = (logit.to_accum() - largest) / temperature;
                in_range &= score.abs() <= limit;
            }),
            Some(shift) => out.iter_mut().zip(logits).zip(shift).for_each(|((score, logit), &shift)| {
                *score = (logit.to_accum() - largest) / temperature + shift;
                in_range &= score.abs() <= limit;
            }),
        }
        if in_range { Ok(()) } else { Err(self.out_of_range(row)) }
    }

    fn largest(&self, row: usize) -> E::Accum {
        self.logits.row(row).iter().map(|logit| logit.to_accum()).fold(E::Accum::neg_infinity(), Float::max)
    }

    fn limit(&self) -> E::Accum {
        E::Accum::max_value() / E::Accum::of(8.0 * self.classes().max(1) as f64)
    }

    #[cold]
    fn out_of_range(&self, row: usize) -> Error {
        let logits = self.logits.row(row);
        if let Some(class) = logits.iter().position(|logit| !logit.as_f64().is_finite()) {
            return Error::NonFinite { argument: "logits", index: vec![row, class], value: logits[class].as_f64() };
        }
        let (temperature, largest, limit) = (E::Accum::of(self.temperature), self.largest(row), self.limit());
        let fits = |logit: &E| ((logit.to_accum() - largest) / temperature).abs() <= limit;
        let class = logits.iter().position(|logit| !fits(logit)).unwrap_or(0);
        let (logit, accumulator) = (logits[class].as_f64(), E::Accum::NAME);
        Error::ScoreOverflow { row, class, logit, temperature: self.temperature, accumulator }
    }
}

/// Where the paths put their results; gradients come in the type G.
pub(crate) struct Outputs<'a, E: Element, G: Element<Accum = E::Accum>> {
    /// Loss of each row, before weights and reduction. Shape `[N]`.
    pub(crate) losses: Array1<E::Accum>,
    pub(crate) gradients: Option<Gradients<'a, G>>,
}

/// Gradients of the reduced loss times the upstream gradient.
pub(crate) struct Gradients<'a, G: Element> {
    /// Shape `[N, d]`.
    pub(crate) logits: Array2<G>,
    /// Each row's part of the gradient with respect to the temperature, where asked for. Shape `[N]`.
    pub(crate) temperature: Option<Array1<f64>>,
    /// Factor of each row: reduction, row weight and upstream gradient. Shape `[N]`.
    pub(crate) factors: &'a [f64],
}

impl<E: Element, G: Element<Accum = E::Accum>> Outputs<'_, E, G> {
    pub(crate) fn wants_gradient(&self) -> bool {
        self.gradients.is_some()
    }

    /// Takes the derivative of a row's loss with respect to its scores. Shape: `[d]`.
    ///
    /// Every loss here depends on `Z / tau` alone, so `dL/dZ = dL/dS / tau` and `dL/dtau = -(Z . dL/dS) / tau^2`.
    pub(crate) fn write_gradient(&mut self, scores: &Scores<'_, E>, row: usize, score_gradient: &[E::Accum]) {
        let Some(gradients) = &mut self.gradients else { return };
        let factor = gradients.factors[row];
        let scale = E::Accum::of(factor / scores.temperature);
        let out = gradients.logits.row_mut(row);
        out.into_iter().zip(score_gradient).for_each(|(out, &g)| *out = G::from_accum(g * scale));
        if let Some(temperature) = &mut gradients.temperature {
            // The row of dL/dS sums to 0: taking off a constant changes nothing but the rounding. Divided first, for
            // the difference of two logits may be out of range where the scores are not.
            let tau = scores.temperature;
            let origin = scores.largest(row).as_f64() / tau;
            let logits = scores.logits.row(row);
            let dot: f64 =
                logits.iter().zip(score_gradient).map(|(z, g)| (z.as_f64() / tau - origin) * g.as_f64()).sum();
            temperature[row] = -factor * dot / tau;
        }
    }
}

/// `ln(1 + x)` of the others' share where the positive is the largest term, the plain form otherwise: a confident row
/// keeps its last digits either way.
///
/// `others`: sum of the other candidates' terms; `own`: the positive's term; all relative to `exp(max)`.
/// `positive_score`: the positive's score, without its multiplicity.
pub(crate) fn row_loss<A: Accum>(max: A, own: A, others: A, positive_score: A) -> A {
    let log_sum = if own == A::one() { others.ln_1p() } else { (own + others).ln() };
    (max - positive_score) + log_sum
}

/// The logarithms of the multiplicities; a candidate that is left out has minus infinity. Shape `[M]`.
pub(crate) fn log_multiplicities<A: Accum>(batch: &Batch<'_>) -> Option<Vec<A>> {
    batch.multiplicities().map(|multiplicities| multiplicities.iter().map(|m| A::of(m.ln())).collect())
}
