//! Soft target InfoNCE.

use ndarray::ArrayView2;

use super::call::run_path;
use super::head_loss::HeadLoss;
use super::kind::LossKind;
use super::linear_head::evaluate as evaluate_head;
use super::linear_head::{HeadLossAndGradient, LinearHead};
use super::loss::Loss;
use super::request::{GradientRequest, Wanted};
use super::result::Evaluation;
use crate::{Batch, Element, Error, LossSettings, paths};

/// Soft target InfoNCE (Hugger and Uhlmann, arXiv 2404.14076).
///
/// With the scores `S = Z / tau - log eta` and `A = S W^T`, one score per row and candidate target,
///
/// ```text
/// L_i = log sum_j m_j exp A_ij - A_i,p(i)
/// ```
///
/// where p(i) is row i's positive and m_j the multiplicity of candidate j. The posterior for prediction is
/// `softmax(Z / tau)`; `log eta` is never added back. Values of different M do not compare.
///
/// ```
/// use ndarray::array;
/// use softnce::{GradientRequest, Loss, LossSettings, SoftTargetInfoNce, Targets};
///
/// let loss = SoftTargetInfoNce::new(LossSettings::new().with_temperature(0.5)?);
/// let logits = array![[2.0_f32, 0.5, -1.0], [0.1, 0.2, 1.5]];
/// let targets = Targets::mixed(&[0, 2], &[1, 0], &[0.7, 0.9], 3, 0.1)?;
///
/// let out = loss.loss_and_gradient(logits.view(), &targets, &GradientRequest::new())?;
/// assert!(out.value.scalar().is_some_and(f32::is_finite));
/// assert_eq!(out.logits_gradient.dim(), (2, 3));
/// # Ok::<(), softnce::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SoftTargetInfoNce {
    settings: LossSettings,
    block_rows: Option<usize>,
}

impl SoftTargetInfoNce {
    /// The loss with these settings.
    pub fn new(settings: LossSettings) -> Self {
        SoftTargetInfoNce { settings, block_rows: None }
    }

    /// Sets how many rows the dense path works on at once, by default 256: its extra memory is one block of so many rows of
    /// d scores, a block of terms of at most 4 MiB, and the rows' gradients where they cannot be summed in place. The result
    /// does not depend on it beyond rounding.
    ///
    /// # Errors
    /// No rows.
    pub fn with_block_rows(mut self, block_rows: usize) -> Result<Self, Error> {
        if block_rows == 0 {
            return Err(Error::range("block rows", 0.0, "a number above 0"));
        }
        self.block_rows = Some(block_rows);
        Ok(self)
    }
}

impl Loss for SoftTargetInfoNce {
    fn kind(&self) -> LossKind {
        LossKind::SoftTargetInfoNce
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
        batch.warn_once();
        run_path(&self.settings, self.settings.noise(), logits, batch, wanted, |scores, positives, outputs| {
            paths::soft_target_info_nce(scores, batch, positives, self.block_rows, outputs)
        })
    }

    fn evaluate_head<E: Element, G: Element<Accum = E::Accum>>(
        &self,
        head: &LinearHead<'_, E>,
        batch: &Batch<'_>,
        request: Option<&GradientRequest<'_>>,
    ) -> Result<HeadLossAndGradient<G>, Error> {
        batch.warn_once();
        evaluate_head(&self.settings, head, batch, request)
    }
}

impl HeadLoss for SoftTargetInfoNce {}
