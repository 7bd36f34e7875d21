//! The choice of the path for soft target InfoNCE.

use super::inputs::Inputs;
use super::outputs::Outputs;
use super::{class_candidates, compact, dense, hard};
use crate::{Element, Error, Form};

/// Soft target InfoNCE, on the path that suits the form of the candidates.
pub(crate) fn soft_target_info_nce<E: Element, G: Element<Accum = E::Accum>>(
    inputs: Inputs<'_, E>,
    block_rows: Option<usize>,
    outputs: &mut Outputs<'_, E::Accum, G>,
) -> Result<(), Error> {
    let forms = || inputs.batch.segments().iter().map(|segment| segment.form());
    let dense = forms().any(|form| form == Form::Dense);
    // The paths over classes compute a term for every class. If only few classes can occur, the compact path is faster.
    let many_occur = inputs.batch.candidates().saturating_mul(8) >= inputs.scores.classes();
    if (dense || many_occur) && inputs.batch.contrasts_classes_only() {
        return class_candidates::run(inputs, outputs);
    }
    if dense {
        return dense::run(inputs, block_rows, outputs);
    }
    if many_occur && forms().all(|form| form == Form::Hard) {
        return hard::run(inputs, outputs);
    }
    compact::run(inputs, outputs)
}
