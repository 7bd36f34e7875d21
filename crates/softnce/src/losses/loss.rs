//! The call that all losses share.

use ndarray::{ArrayView2, ArrayViewMut2};
use softnce_kernels::memory::zeros;
use softnce_kernels::system::advise_large_pages;

use super::kind::LossKind;
use super::linear_head::{HeadLossAndGradient, LinearHead};
use super::request::{GradientRequest, Wanted};
use super::result::{Evaluation, LossAndGradient};
use super::sealed::Sealed;
use crate::targets::check_size;
use crate::{Batch, Element, Error, LossSettings, LossValue};

/// The call that all losses of the family share, so that they can be swapped: in the source by their type, at run time
/// through [`AnyLoss`](crate::AnyLoss) (the calls are generic over the float type, so there is no `dyn Loss`).
///
/// # Shapes
/// `logits`: `[N, d]`, f16, bf16, f32 or f64, contiguous or not. `batch`: M targets over d classes, from
/// [`Targets`](crate::Targets) or a [`Batch`]; M >= N unless the batch names the positives
/// ([`Batch::with_positives`]).
///
/// # Errors
/// Shapes that do not agree; N or M of 0; logits that are not finite, or overflow once divided by the temperature; a
/// positive that is no candidate; row weights that are all 0. The label side is checked when it is built.
/// The trait is sealed: the losses are those of this crate, in the table of [`LossKind`].
pub trait Loss: Sealed {
    /// Which loss this is.
    fn kind(&self) -> LossKind;

    /// Temperature, noise distribution and reduction.
    fn settings(&self) -> &LossSettings;

    /// The loss and, where wanted, its gradients in the type G: what the other methods are made of.
    #[doc(hidden)]
    fn evaluate<E: Element, G: Element<Accum = E::Accum>>(
        &self,
        logits: ArrayView2<'_, E>,
        batch: &Batch<'_>,
        wanted: Option<Wanted<'_, '_, G>>,
    ) -> Result<Evaluation<E::Accum>, Error>;

    /// The loss of a linear head; only the contrastive losses have one.
    #[doc(hidden)]
    fn evaluate_head<E: Element, G: Element<Accum = E::Accum>>(
        &self,
        _head: &LinearHead<'_, E>,
        _batch: &Batch<'_>,
        _request: Option<&GradientRequest<'_>>,
    ) -> Result<HeadLossAndGradient<G>, Error> {
        Err(self.kind().no_head())
    }

    /// The loss.
    ///
    /// # Errors
    /// See [`Loss`].
    fn loss<'b, E: Element>(
        &self,
        logits: ArrayView2<'_, E>,
        batch: impl Into<Batch<'b>>,
    ) -> Result<LossValue<E::Accum>, Error> {
        self.evaluate::<E, E>(logits, &batch.into(), None).map(|evaluation| evaluation.value)
    }

    /// The loss and its gradient with respect to the logits and, on request, to the temperature.
    ///
    /// # Errors
    /// See [`Loss`]; an upstream gradient that is not finite or of the wrong shape.
    fn loss_and_gradient<'b, E: Element>(
        &self,
        logits: ArrayView2<'_, E>,
        batch: impl Into<Batch<'b>>,
        request: &GradientRequest<'_>,
    ) -> Result<LossAndGradient<E>, Error> {
        with_gradient(self, logits, &batch.into(), request)
    }

    /// The same with the gradient in the accumulating type, for callers who scale it before they round it: the mean
    /// over many rows and a confident row leave gradients below the range of f16, which loss scaling brings back.
    ///
    /// # Errors
    /// See [`Loss::loss_and_gradient`].
    fn loss_and_wide_gradient<'b, E: Element>(
        &self,
        logits: ArrayView2<'_, E>,
        batch: impl Into<Batch<'b>>,
        request: &GradientRequest<'_>,
    ) -> Result<LossAndGradient<E::Accum>, Error> {
        with_gradient(self, logits, &batch.into(), request)
    }

    /// The loss, with the gradient with respect to the logits written over `gradient`: for training loops that keep the
    /// memory from step to step. Over many classes, getting new memory from the system costs more than the loss.
    ///
    /// # Shapes
    /// `gradient`: `[N, d]`, as the logits, contiguous or not, in the type of the logits or of their sums. After an
    /// error its content is of no use.
    ///
    /// # Errors
    /// See [`Loss::loss_and_gradient`]; a gradient of another shape.
    fn loss_and_gradient_into<'b, E: Element, G: Element<Accum = E::Accum>>(
        &self,
        logits: ArrayView2<'_, E>,
        batch: impl Into<Batch<'b>>,
        request: &GradientRequest<'_>,
        gradient: ArrayViewMut2<'_, G>,
    ) -> Result<Evaluation<E::Accum>, Error> {
        if gradient.dim() != logits.dim() {
            let expected = format!("{:?}, as the logits", logits.shape());
            return Err(Error::shape("gradient", gradient.shape(), expected));
        }
        if let Some(values) = gradient.as_slice() {
            advise_large_pages(values);
        }
        self.evaluate(logits, &batch.into(), Some(Wanted { request, logits: gradient, zeroed: false }))
    }
}

/// Evaluates a loss with its gradient in new memory.
fn with_gradient<E: Element, G: Element<Accum = E::Accum>>(
    loss: &(impl Loss + ?Sized),
    logits: ArrayView2<'_, E>,
    batch: &Batch<'_>,
    request: &GradientRequest<'_>,
) -> Result<LossAndGradient<G>, Error> {
    let mut logits_gradient = zeros(check_size(logits.dim())?);
    let wanted = Wanted { request, logits: logits_gradient.view_mut(), zeroed: true };
    let Evaluation { value, temperature_gradient } = loss.evaluate(logits, batch, Some(wanted))?;
    Ok(LossAndGradient { value, logits_gradient, temperature_gradient })
}
