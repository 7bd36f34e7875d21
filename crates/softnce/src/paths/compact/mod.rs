//! Compact rows: a gather for the scores, a scatter for the gradient. O(N (d + M k)), nothing of size N x M.
//!
//! `A_ij = b_j mean(S_i) + sum_k a_jk S_i,y_jk`, and `dL_i/dS_i = sum_j c_j W_j` with `c = P - E`.
//!
//! As many rows as a vector has lanes are worked on together, one to a lane. Their scores are turned into lines, one a
//! class, so that a candidate reads and adds up whole vectors: no gather, no scatter, and one pass, for the terms need
//! no maximum (see [`super::out_of_reach`]) and their sum divides the gradient only as it is written.

mod accumulate;
mod block;
mod plan;

pub(super) use block::run_plan;
pub(super) use plan::Plan;

use super::{Outputs, Scores};
use crate::{Batch, Element, Error};

pub(super) fn run<E: Element, G: Element<Accum = E::Accum>>(
    scores: &Scores<'_, E>,
    batch: &Batch<'_>,
    positives: &[usize],
    outputs: &mut Outputs<'_, E::Accum, G>,
) -> Result<(), Error> {
    run_plan(scores, &Plan::over_all(batch, scores.classes(), positives), 0, outputs)
}
