//! Soft target InfoNCE of compact and hard candidates. O(N (d + M k)), nothing of size N x M.
//!
//! Candidate j spreads the share b_j evenly over all classes and gives the weights a_jl to its k classes y_jl. Its
//! score in row i is `A_ij = b_j mean(S_i) + sum_l a_jl S_i,y_jl`. The gradient is
//! `dL_i/dS_i = sum_j (P_ij - E_ij) W_j`, where P_i is the softmax of A_i, W_j is the target of candidate j, and `E_ij`
//! is 1 if candidate j is the positive of row i, otherwise 0.
//!
//! The kernel works on as many rows at once as a vector has lanes, one row per lane. The scores of the block are
//! transposed, so that the scores of one class in all rows lie side by side (a *line*). For a candidate the kernel then
//! loads and adds whole vectors, without gather and scatter instructions. One pass over the candidates is enough: the
//! maximum of A_i is usually not subtracted before the exponential (see [`super::terms::needs_offset`]), and the
//! gradient is divided by the sum of the exponentials when it is written.

mod accumulate;
mod block;
mod cells;
mod gradients;
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
