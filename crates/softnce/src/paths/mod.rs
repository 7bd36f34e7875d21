//! The computations, one folder or file a path, chosen by the form of the targets.
//!
//! Each path works on blocks of rows that do not depend on one another, spread over the threads. The rows come from
//! [`Scores`] and go to [`Outputs`]; nothing else is kept.

mod compact;
mod cross_entropy;
mod dense;
mod hard;
mod head;
mod outputs;
mod row;
mod scores;

pub(crate) use cross_entropy::cross_entropy;
pub(crate) use head::{Head, HeadWanted, head};
pub(crate) use outputs::{Gradients, Outputs};
pub(crate) use scores::Scores;

use crate::{Accum, Batch, Element, Error, Form};

/// Soft target InfoNCE on the path that fits the candidates.
pub(crate) fn soft_target_info_nce<E: Element, G: Element<Accum = E::Accum>>(
    scores: &Scores<'_, E>,
    batch: &Batch<'_>,
    positives: &[usize],
    block_rows: Option<usize>,
    outputs: &mut Outputs<'_, E::Accum, G>,
) -> Result<(), Error> {
    let forms = || batch.segments().iter().map(|segment| segment.form());
    if forms().any(|form| form == Form::Dense) {
        return dense::run(scores, batch, positives, block_rows, outputs);
    }
    // Where few of the classes can occur, passing over all of them costs more than picking those that do.
    let many = batch.candidates().saturating_mul(8) >= scores.classes();
    if many && forms().all(|form| form == Form::Hard) {
        return hard::run(scores, batch, positives, outputs);
    }
    compact::run(scores, batch, positives, outputs)
}

/// Whether a sum of terms relative to `2^offset` is so small, or so large, that it is to be taken anew relative to the
/// largest term: many small terms may have been lost.
///
/// The scores are at most 0 for every candidate, and mostly not far below it where it counts, so that 0 serves as the
/// offset and the largest need not be known beforehand.
pub(crate) fn out_of_reach<A: Accum>(total: A) -> bool {
    // Neither is true of what is not a number.
    !(total >= A::of(1e-6) && total < A::infinity())
}

/// The loss of a row, `log(own + others) - log(own / multiplicity)`: a confident row keeps its last digits.
///
/// `own`, `others`: the positive's term with its multiplicity and the sum of the other candidates', both relative to
/// `exp(offset)`; `score`: the positive's score without its multiplicity, which counts where its term is next to nothing.
/// In double precision, for large parts cancel.
pub(crate) fn row_loss<A: Accum>(own: A, others: A, log_multiplicity: f64, offset: f64, score: f64) -> A {
    let in_range = own > A::min_positive_value() * A::of(1e6);
    let (own, others) = (own.as_f64(), others.as_f64());
    A::of(if own >= others && own > 0.0 {
        f64::ln_1p(others / own) + log_multiplicity
    } else if in_range {
        f64::ln((own + others) / own) + log_multiplicity
    } else {
        f64::ln(own + others) + (offset - score)
    })
}

/// A logarithm to base e from one to base 2.
pub(crate) fn natural(log2: impl Into<f64>) -> f64 {
    log2.into() * std::f64::consts::LN_2
}

/// A logarithm to base 2 from one to base e. In the place of minus infinity stands a number so low that its power of 2 is
/// 0 whatever scores are added to it.
pub(crate) fn to_base_2<A: Accum>(log: f64) -> A {
    num_traits::Float::max(A::of(log * std::f64::consts::LOG2_E), A::min_value() / A::of(4.0))
}

/// The logarithms of the multiplicities relative to the largest, and the largest's own. Shape `[M]`.
///
/// A candidate that is left out has minus infinity.
pub(crate) fn relative_logs(multiplicities: &[f64]) -> (Vec<f64>, f64) {
    let largest = multiplicities.iter().copied().fold(0.0, f64::max).ln();
    // Most are small counts, of which few differ: each logarithm is taken once.
    let mut known = [f64::NAN; 256];
    let mut log = |multiplicity: f64| {
        let count = multiplicity as usize;
        if count as f64 != multiplicity || count >= known.len() {
            return multiplicity.ln();
        }
        if known[count].is_nan() {
            known[count] = multiplicity.ln();
        }
        known[count]
    };
    (multiplicities.iter().map(|&multiplicity| log(multiplicity) - largest).collect(), largest)
}
