//! The call that all losses share.

use ndarray::{Array1, ArrayView2, ArrayViewMut2};
use num_traits::Zero;
use softnce_kernels::memory::zeros;
use softnce_kernels::system::advise_large_pages;

use super::call::Checked;
use super::compute::Compute;
use super::kind::LossKind;
use super::request::{GradientRequest, Wanted};
use super::result::{Evaluation, LossAndGradient};
use crate::paths::{Gradients, Inputs, Outputs, Scores};
use crate::targets::check_size;
use crate::{Batch, Element, Error, LossSettings, LossValue, NoiseDistribution};

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
pub trait Loss: Compute {
    /// Which loss this is.
    fn kind(&self) -> LossKind;

    /// Temperature, noise distribution and reduction.
    fn settings(&self) -> &LossSettings;

    /// The loss.
    ///
    /// # Errors
    /// See [`Loss`].
    fn loss<'l, 'b, E: Element>(
        &self,
        logits: impl Into<ArrayView2<'l, E>>,
        batch: impl Into<Batch<'b>>,
    ) -> Result<LossValue<E::Accum>, Error> {
        evaluate::<E, E>(self, logits.into(), &batch.into(), None).map(|evaluation| evaluation.value)
    }

    /// The loss and its gradient with respect to the logits and, on request, to the temperature.
    ///
    /// # Errors
    /// See [`Loss`]; an upstream gradient that is not finite or of the wrong shape.
    fn loss_and_gradient<'l, 'b, E: Element>(
        &self,
        logits: impl Into<ArrayView2<'l, E>>,
        batch: impl Into<Batch<'b>>,
        request: &GradientRequest<'_>,
    ) -> Result<LossAndGradient<E>, Error> {
        with_gradient(self, logits.into(), &batch.into(), request)
    }

    /// The same with the gradient in the accumulating type, for callers who scale it before they round it: the mean
    /// over many rows and a confident row leave gradients below the range of f16, which loss scaling brings back.
    ///
    /// # Errors
    /// See [`Loss::loss_and_gradient`].
    fn loss_and_wide_gradient<'l, 'b, E: Element>(
        &self,
        logits: impl Into<ArrayView2<'l, E>>,
        batch: impl Into<Batch<'b>>,
        request: &GradientRequest<'_>,
    ) -> Result<LossAndGradient<E::Accum>, Error> {
        with_gradient(self, logits.into(), &batch.into(), request)
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
    fn loss_and_gradient_into<'l, 'b, E: Element, G: Element<Accum = E::Accum>>(
        &self,
        logits: impl Into<ArrayView2<'l, E>>,
        batch: impl Into<Batch<'b>>,
        request: &GradientRequest<'_>,
        gradient: ArrayViewMut2<'_, G>,
    ) -> Result<Evaluation<E::Accum>, Error> {
        let logits = logits.into();
        if gradient.dim() != logits.dim() {
            let expected = format!("{:?}, as the logits", logits.shape());
            return Err(Error::shape("gradient", gradient.shape(), expected));
        }
        if let Some(values) = gradient.as_slice() {
            advise_large_pages(values);
        }
        evaluate(self, logits, &batch.into(), Some(Wanted { request, logits: gradient, zeroed: false }))
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
    let Evaluation { value, temperature_gradient } = evaluate(loss, logits, batch, Some(wanted))?;
    Ok(LossAndGradient { value, logits_gradient, temperature_gradient })
}

/// The loss of logits and, if wanted, its gradients.
fn evaluate<E: Element, G: Element<Accum = E::Accum>>(
    loss: &(impl Loss + ?Sized),
    logits: ArrayView2<'_, E>,
    batch: &Batch<'_>,
    wanted: Option<Wanted<'_, '_, G>>,
) -> Result<Evaluation<E::Accum>, Error> {
    let (kind, settings) = (loss.kind(), loss.settings());
    let batch = batch.for_loss(kind)?;
    let uniform = NoiseDistribution::uniform();
    let noise = if kind.is_contrastive() { settings.noise() } else { &uniform };
    let request = wanted.as_ref().map(|wanted| wanted.request);
    let rows = Checked::new::<E::Accum>(kind, settings, logits.dim(), &batch, request)?;
    let count = rows.positives.len();
    let mut losses = vec![E::Accum::zero(); count];
    let mut temperature_gradient = request.is_some_and(|request| request.temperature).then(|| vec![0.0; count]);
    let temperature = temperature_gradient.as_deref_mut();
    let gradients = wanted.map(|wanted| Gradients {
        logits: wanted.logits,
        zeroed: wanted.zeroed,
        temperature,
        factors: &rows.factors,
    });
    let mut outputs = Outputs { first: 0, losses: &mut losses, gradients };
    let scores = Scores::new(logits, settings.temperature(), noise, settings.instructions());
    loss.compute(Inputs { scores: &scores, batch: &batch, positives: &rows.positives }, &mut outputs)?;
    Ok(Evaluation { value: rows.reduce(losses)?, temperature_gradient: temperature_gradient.map(Array1::from) })
}
