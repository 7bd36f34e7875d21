//! InfoNCE: soft target InfoNCE on hard labels.

use super::compute::Compute;
use super::head_loss::HeadLoss;
use crate::paths::{Inputs, Outputs, soft_target_info_nce};
use crate::{Element, Error, LossSettings};

/// InfoNCE (van den Oord et al., arXiv 1807.03748) over class labels: the hard-target case of
/// [`SoftTargetInfoNce`](crate::SoftTargetInfoNce).
///
/// ```
/// use ndarray::array;
/// use softnce::{InfoNce, Loss, LossSettings, Targets};
///
/// // scores 6 and 3, the positive first: -log sigmoid(6 - 3)
/// let value = InfoNce::new(LossSettings::new()).loss(array![[6.0_f64, 3.0]].view(), Targets::hard(&[0, 1], 2)?)?;
/// assert!((value.scalar().unwrap() - 0.04858735157374196).abs() < 1e-15);
/// # Ok::<(), softnce::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct InfoNce {
    pub(super) settings: LossSettings,
}

impl InfoNce {
    /// The loss with these settings.
    pub fn new(settings: LossSettings) -> Self {
        InfoNce { settings }
    }
}

impl Compute for InfoNce {
    fn compute<E: Element, G: Element<Accum = E::Accum>>(
        &self,
        inputs: Inputs<'_, E>,
        outputs: &mut Outputs<'_, E::Accum, G>,
    ) -> Result<(), Error> {
        soft_target_info_nce(inputs, None, outputs)
    }
}

impl HeadLoss for InfoNce {}
