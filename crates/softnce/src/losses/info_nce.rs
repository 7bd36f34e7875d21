//! InfoNCE: soft target InfoNCE on hard labels.

use ndarray::ArrayView2;

use super::head_loss::HeadLoss;
use super::kind::LossKind;
use super::linear_head::{HeadLossAndGradient, LinearHead};
use super::loss::Loss;
use super::request::{GradientRequest, Wanted};
use super::result::Evaluation;
use super::soft_target_info_nce::SoftTargetInfoNce;
use crate::{Batch, Element, Error, LossSettings};

/// InfoNCE (van den Oord et al., arXiv 1807.03748) over class labels: the hard-target case of
/// [`SoftTargetInfoNce`].
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
    soft: SoftTargetInfoNce,
}

impl InfoNce {
    /// The loss with these settings.
    pub fn new(settings: LossSettings) -> Self {
        InfoNce { soft: SoftTargetInfoNce::new(settings) }
    }
}

impl Loss for InfoNce {
    fn kind(&self) -> LossKind {
        LossKind::InfoNce
    }

    fn settings(&self) -> &LossSettings {
        self.soft.settings()
    }

    fn evaluate<E: Element, G: Element<Accum = E::Accum>>(
        &self,
        logits: ArrayView2<'_, E>,
        batch: &Batch<'_>,
        wanted: Option<Wanted<'_, '_, G>>,
    ) -> Result<Evaluation<E::Accum>, Error> {
        self.soft.evaluate(logits, &batch.to_hard(self.kind())?, wanted)
    }

    fn evaluate_head<E: Element, G: Element<Accum = E::Accum>>(
        &self,
        head: &LinearHead<'_, E>,
        batch: &Batch<'_>,
        request: Option<&GradientRequest<'_>>,
    ) -> Result<HeadLossAndGradient<G>, Error> {
        self.soft.evaluate_head(head, &batch.to_hard(self.kind())?, request)
    }
}

impl HeadLoss for InfoNce {}
