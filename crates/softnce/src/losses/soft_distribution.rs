//! Soft distribution InfoNCE: InfoNCE on classes drawn from the soft targets.

use super::compute::Compute;
use super::head_loss::HeadLoss;
use crate::paths::{Inputs, Outputs, soft_target_info_nce};
use crate::{Element, Error, LossSettings};

/// Soft distribution InfoNCE: each target is replaced by a class drawn from it, `y_j ~ Cat(W_j)`, then InfoNCE.
///
/// Drawing is a step of its own, so that the loss is a function of its arguments: a value and a gradient, or two threads,
/// see the same classes. [`ClassDraws`](crate::ClassDraws) draws from a seed, [`Batch::draw`](crate::Batch::draw) from any
/// generator. The loss takes the drawn batch and refuses soft targets. A candidate with a multiplicity is drawn once and
/// counted as often.
///
/// ```
/// use ndarray::array;
/// use softnce::{Batch, ClassDraws, Loss, LossSettings, SoftDistributionInfoNce, Targets};
///
/// let batch = Batch::from(Targets::smoothed(&[0, 1, 2], 3, 0.5)?);
/// let logits = array![[2.0_f32, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 2.0]];
/// let loss = SoftDistributionInfoNce::new(LossSettings::new());
///
/// let mut draws = ClassDraws::new(7);
/// let drawn = draws.draw(&batch);
/// let value = loss.loss(logits.view(), drawn.clone())?;
/// assert_eq!(value, loss.loss(logits.view(), drawn)?);
/// # Ok::<(), softnce::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SoftDistributionInfoNce {
    pub(super) settings: LossSettings,
}

impl SoftDistributionInfoNce {
    /// The loss with these settings.
    pub fn new(settings: LossSettings) -> Self {
        SoftDistributionInfoNce { settings }
    }
}

impl Compute for SoftDistributionInfoNce {
    fn compute<E: Element, G: Element<Accum = E::Accum>>(
        &self,
        inputs: Inputs<'_, E>,
        outputs: &mut Outputs<'_, E::Accum, G>,
    ) -> Result<(), Error> {
        soft_target_info_nce(inputs, None, outputs)
    }
}

impl HeadLoss for SoftDistributionInfoNce {}
