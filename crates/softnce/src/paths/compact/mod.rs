//! Soft target InfoNCE of compact and hard candidates. O(N (d + M k)), nothing of size N x M.
//!
//! `A_ij = b_j mean(S_i) + sum_k a_jk S_i,y_jk`, and `dL_i/dS_i = sum_j c_j W_j` with `c = P - E`, where E marks the
//! positives.
//!
//! The kernel works on as many rows at once as a vector has lanes, one row per lane. The scores of the block are
//! transposed into lines, one line per class, so that a candidate reads and adds up whole vectors, without gathers
//! and scatters. One pass over the candidates is enough, because the terms need no maximum (see
//! [`super::terms::needs_offset`]) and the gradient is divided by their sum when it is written.

mod accumulate;
mod block;
mod plan;

pub(super) use block::run_plan;
pub(super) use plan::Plan;

use super::{Inputs, Outputs};
use crate::{Element, Error};

pub(super) fn run<E: Element, G: Element<Accum = E::Accum>>(
    inputs: Inputs<'_, E>,
    outputs: &mut Outputs<'_, E::Accum, G>,
) -> Result<(), Error> {
    let Inputs { scores, batch, positives } = inputs;
    run_plan(scores, &Plan::over_all(batch, scores.classes(), positives), 0, outputs)
}
