//! Soft target InfoNCE of targets that are left out of the sums, which run over classes: a cross-entropy. O(N d + M).
//!
//! With the number `m_k` of candidates of class k, the scores `S = Z / tau - log eta` and the targets `w_i`,
//!
//! ```text
//! L_i     = log sum_k m_k exp(S_ik) - S_i . w_i
//! dL/dS_i = P_i - w_i,  P_ik = m_k exp(S_ik) / sum_l m_l exp(S_il)
//! ```
//!
//! This is soft target cross-entropy with the bias `log m_k - log eta_k` on the logit of class k in the sum, plus a
//! constant for each target. With `m = eta` there is no bias.

use super::class_bias::ClassBias;
use super::{Inputs, Outputs, cross_entropy};
use crate::{Element, Error};

pub(super) fn run<E: Element, G: Element<Accum = E::Accum>>(
    inputs: Inputs<'_, E>,
    outputs: &mut Outputs<'_, E::Accum, G>,
) -> Result<(), Error> {
    cross_entropy(inputs, Some(&ClassBias::new(inputs.scores, inputs.batch)), outputs)
}
