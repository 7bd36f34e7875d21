//! A loss chosen by name at run time.

use ndarray::ArrayView2;

use super::{
    Evaluation, InfoNce, Loss, LossSettings, Nll, SoftDistributionInfoNce, SoftTargetCrossEntropy, SoftTargetInfoNce,
    Wanted,
};
use crate::{Batch, Element, Error, LossKind};

/// Any loss of the family, chosen at run time.
///
/// ```
/// use softnce::{Loss, LossKind, LossSettings, SelectedLoss};
///
/// let kind: LossKind = "soft-target-infonce".parse()?;
/// assert_eq!(SelectedLoss::new(kind, LossSettings::new()).kind(), kind);
/// # Ok::<(), softnce::Error>(())
/// ```
#[derive(Debug, Clone)]
pub enum SelectedLoss {
    /// Soft target InfoNCE.
    SoftTargetInfoNce(SoftTargetInfoNce),
    /// InfoNCE.
    InfoNce(InfoNce),
    /// Soft distribution InfoNCE.
    SoftDistributionInfoNce(SoftDistributionInfoNce),
    /// Soft target cross-entropy.
    SoftTargetCrossEntropy(SoftTargetCrossEntropy),
    /// Negative log likelihood.
    Nll(Nll),
}

impl SelectedLoss {
    /// The loss of this kind.
    pub fn new(kind: LossKind, settings: LossSettings) -> Self {
        match kind {
            LossKind::SoftTargetInfoNce => Self::SoftTargetInfoNce(SoftTargetInfoNce::new(settings)),
            LossKind::InfoNce => Self::InfoNce(InfoNce::new(settings)),
            LossKind::SoftDistributionInfoNce => Self::SoftDistributionInfoNce(SoftDistributionInfoNce::new(settings)),
            LossKind::SoftTargetCrossEntropy => Self::SoftTargetCrossEntropy(SoftTargetCrossEntropy::new(settings)),
            LossKind::Nll => Self::Nll(Nll::new(settings)),
        }
    }
}

macro_rules! each {
    ($self:expr, $loss:ident => $body:expr) => {
        match $self {
            SelectedLoss::SoftTargetInfoNce($loss) => $body,
            SelectedLoss::InfoNce($loss) => $body,
            SelectedLoss::SoftDistributionInfoNce($loss) => $body,
            SelectedLoss::SoftTargetCrossEntropy($loss) => $body,
            SelectedLoss::Nll($loss) => $body,
        }
    };
}

impl Loss for SelectedLoss {
    fn kind(&self) -> LossKind {
        each!(self, loss => loss.kind())
    }

    fn settings(&self) -> &LossSettings {
        each!(self, loss => loss.settings())
    }

    fn evaluate<E: Element, G: Element<Accum = E::Accum>>(
        &self,
        logits: ArrayView2<'_, E>,
        batch: &Batch<'_>,
        wanted: Option<Wanted<'_, '_, G>>,
    ) -> Result<Evaluation<E::Accum>, Error> {
        each!(self, loss => loss.evaluate(logits, batch, wanted))
    }
}
