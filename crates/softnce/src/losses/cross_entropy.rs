//! Soft target cross-entropy and its hard-target case.

use super::compute::Compute;
use crate::paths::{Inputs, Outputs, cross_entropy};
use crate::{Element, Error, LossSettings};

/// Soft target cross-entropy, `L_i = -sum_k W_ik log softmax(Z_i / tau)_k`.
///
/// The noise distribution of the settings plays no part, nor do candidates beyond each row's own target.
///
/// ```
/// use ndarray::array;
/// use softnce::{Loss, LossSettings, SoftTargetCrossEntropy, Targets};
///
/// let targets = Targets::dense(array![[1.0, 0.0, 0.0], [0.0, 0.8, 0.2]])?;
/// let logits = array![[4.0_f64, 2.0, 1.0], [0.0, 5.0, 1.0]];
/// let value = SoftTargetCrossEntropy::new(LossSettings::new()).loss(logits.view(), &targets)?;
/// assert!((value.scalar().unwrap() - (0.16984604_f64 + 0.82474494) / 2.0).abs() < 1e-7);
/// # Ok::<(), softnce::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SoftTargetCrossEntropy {
    pub(super) settings: LossSettings,
}

impl SoftTargetCrossEntropy {
    /// The loss with these settings.
    pub fn new(settings: LossSettings) -> Self {
        SoftTargetCrossEntropy { settings }
    }
}

impl Compute for SoftTargetCrossEntropy {
    fn compute<E: Element, G: Element<Accum = E::Accum>>(
        &self,
        inputs: Inputs<'_, E>,
        outputs: &mut Outputs<'_, E::Accum, G>,
    ) -> Result<(), Error> {
        cross_entropy(inputs, None, outputs)
    }
}

/// Negative log likelihood, `L_i = -log softmax(Z_i / tau)_y(i)`: cross-entropy on hard labels.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Nll {
    pub(super) settings: LossSettings,
}

impl Nll {
    /// The loss with these settings.
    pub fn new(settings: LossSettings) -> Self {
        Nll { settings }
    }
}

impl Compute for Nll {
    fn compute<E: Element, G: Element<Accum = E::Accum>>(
        &self,
        inputs: Inputs<'_, E>,
        outputs: &mut Outputs<'_, E::Accum, G>,
    ) -> Result<(), Error> {
        cross_entropy(inputs, None, outputs)
    }
}
