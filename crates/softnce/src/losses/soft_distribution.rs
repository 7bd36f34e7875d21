//! Soft distribution InfoNCE: InfoNCE on classes drawn from the soft targets.

use ndarray::ArrayView2;

use super::head_loss::HeadLoss;
use super::info_nce::InfoNce;
use super::kind::LossKind;
use super::linear_head::{HeadLossAndGradient, LinearHead};
use super::loss::Loss;
use super::request::{GradientRequest, Wanted};
use super::result::Evaluation;
use crate::{Batch, Element, Error, LossSettings};

/// Soft distribution InfoNCE: each target is replaced by a class drawn from it, `y_j ~ Cat(W_j)`, then InfoNCE.
///
/// Drawing is a step of its own, so that the loss is a function of its arguments: a value and a gradient, or two threads,
/// see the same classes. [`ClassDraws`](crate::ClassDraws) draws from a seed, [`Batch::draw`] from any generator. The loss
/// takes the drawn batch and refuses soft targets. A candidate with a multiplicity is drawn once and counted as often.
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
    hard: InfoNce,
}

impl SoftDistributionInfoNce {
    /// The loss with these settings.
    pub fn new(settings: LossSettings) -> Self {
        SoftDistributionInfoNce { hard: InfoNce::new(settings) }
    }
}

impl Loss for SoftDistributionInfoNce {
    fn kind(&self) -> LossKind {
        LossKind::SoftDistributionInfoNce
    }

    fn settings(&self) -> &LossSettings {
        self.hard.settings()
    }

    fn evaluate<E: Element, G: Element<Accum = E::Accum>>(
        &self,
        logits: ArrayView2<'_, E>,
        batch: &Batch<'_>,
        wanted: Option<Wanted<'_, '_, G>>,
    ) -> Result<Evaluation<E::Accum>, Error> {
        self.hard.evaluate(logits, &batch.to_hard(self.kind())?, wanted)
    }

    fn evaluate_head<E: Element, G: Element<Accum = E::Accum>>(
        &self,
        head: &LinearHead<'_, E>,
        batch: &Batch<'_>,
        request: Option<&GradientRequest<'_>>,
    ) -> Result<HeadLossAndGradient<G>, Error> {
        self.hard.evaluate_head(head, &batch.to_hard(self.kind())?, request)
    }
}

impl HeadLoss for SoftDistributionInfoNce {}
