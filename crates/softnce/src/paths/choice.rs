//! The choice of the path for soft target InfoNCE.

use super::outputs::Outputs;
use super::scores::Scores;
use super::{compact, dense, hard};
use crate::{Batch, Element, Error, Form};

/// Soft target InfoNCE, on the path that suits the form of the candidates.
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
    // The hard path computes a term for every class. If only few classes can occur, the compact path is faster.
    let many_occur = batch.candidates().saturating_mul(8) >= scores.classes();
    if many_occur && forms().all(|form| form == Form::Hard) {
        return hard::run(scores, batch, positives, outputs);
    }
    compact::run(scores, batch, positives, outputs)
}
