//! Soft target cross-entropy and its hard-target case.

use ndarray::ArrayView2;

use super::call::run_path;
use super::kind::LossKind;
use super::loss::Loss;
use super::request::Wanted;
use super::result::Evaluation;
use crate::{Batch, Element, Error, LossSettings, NoiseDistribution, paths};

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
    settings: LossSettings,
}

impl SoftTargetCrossEntropy {
    /// The loss with these settings.
    pub fn new(settings: LossSettings) -> Self {
        SoftTargetCrossEntropy { settings }
    }
}

impl Loss for SoftTargetCrossEntropy {
    fn kind(&self) -> LossKind {
        LossKind::SoftTargetCrossEntropy
    }

    fn settings(&self) -> &LossSettings {
        &self.settings
    }

    fn evaluate<E: Element, G: Element<Accum = E::Accum>>(
        &self,
        logits: ArrayView2<'_, E>,
        batch: &Batch<'_>,
        wanted: Option<Wanted<'_, '_, G>>,
    ) -> Result<Evaluation<E::Accum>, Error> {
        run_path(&self.settings, &NoiseDistribution::uniform(), logits, batch, wanted, |scores, positives, outputs| {
            paths::cross_entropy(scores, batch, positives, outputs)
        })
    }
}

/// Negative log likelihood, `L_i = -log softmax(Z_i / tau)_y(i)`: cross-entropy on hard labels.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Nll {
    soft: SoftTargetCrossEntropy,
}

impl Nll {
    /// The loss with these settings.
    pub fn new(settings: LossSettings) -> Self {
        Nll { soft: SoftTargetCrossEntropy::new(settings) }
    }
}

impl Loss for Nll {
    fn kind(&self) -> LossKind {
        LossKind::Nll
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
}
