//! Soft target InfoNCE.

use super::compute::Compute;
use super::head_loss::HeadLoss;
use crate::paths::{Inputs, Outputs, soft_target_info_nce};
use crate::{Element, Error, LossSettings};

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
    pub(super) settings: LossSettings,
    block_rows: Option<usize>,
}

impl SoftTargetInfoNce {
    /// The loss with these settings.
    pub fn new(settings: LossSettings) -> Self {
        SoftTargetInfoNce { settings, block_rows: None }
    }

    /// Sets how many rows the dense path works on at once, by default 256. The result does not depend on it beyond
    /// rounding.
    ///
    /// The path's extra memory is a block of that many rows of d scores and a block of terms of at most 4 MiB. Gradients
    /// that are not contiguous, or of another type than the sums, take a second block of `[rows, d]`. Gradients over more
    /// candidates than one block of terms holds (at most 4,096) take two more: one for a block's part of the sums, and one
    /// for their rounding errors.
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

impl Compute for SoftTargetInfoNce {
    fn compute<E: Element, G: Element<Accum = E::Accum>>(
        &self,
        inputs: Inputs<'_, E>,
        outputs: &mut Outputs<'_, E::Accum, G>,
    ) -> Result<(), Error> {
        soft_target_info_nce(inputs, self.block_rows, outputs)
    }
}

impl HeadLoss for SoftTargetInfoNce {}
