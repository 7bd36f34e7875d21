//! The contrastive losses from the features of a linear head, for any number of classes.

use super::linear_head::{HeadLossAndGradient, LinearHead, evaluate};
use super::loss::Loss;
use super::request::GradientRequest;
use crate::{Batch, Element, Error, LossValue};

/// The contrastive losses of a linear head: they read the candidates' classes alone, so that neither the work nor the
/// memory of a call depends on the number of classes. Ten million cost what ten thousand do.
///
/// Candidates are hard or compact rows, and their uniform shares are equal (label smoothing is the same in every row):
/// then the shares cancel, and no other class counts. The gradient of the weights comes as the rows of the classes that
/// occur.
///
/// ```
/// use ndarray::{Array2, array};
/// use softnce::{GradientRequest, HeadLoss, LinearHead, LossSettings, SoftTargetInfoNce, Targets};
///
/// let features = array![[0.5_f32, -1.0], [1.0, 0.25]];
/// let mut weights = Array2::<f32>::zeros((1_000_000, 2));
/// let targets = Targets::mixed(&[7, 999_999], &[12, 7], &[0.75, 0.5], 1_000_000, 0.1)?;
///
/// let head = LinearHead::new(&features, &weights)?;
/// let loss = SoftTargetInfoNce::new(LossSettings::new());
/// let out = loss.head_loss_and_gradient(&head, &targets, &GradientRequest::new())?;
/// assert_eq!(out.class_indices.to_vec(), [7, 12, 999_999]);
///
/// // A step of gradient descent on the rows that took part.
/// for (&class, gradient) in out.class_indices.iter().zip(out.weights_gradient.outer_iter()) {
///     weights.row_mut(class as usize).scaled_add(-0.1, &gradient);
/// }
/// # Ok::<(), softnce::Error>(())
/// ```
pub trait HeadLoss: Loss {
    /// The loss.
    ///
    /// # Errors
    /// What [`Loss`] refuses; dense candidates; uniform shares that differ; features, weights or biases that are not
    /// finite (of the classes that occur: the others are not read).
    fn head_loss<'b, E: Element>(
        &self,
        head: &LinearHead<'_, E>,
        batch: impl Into<Batch<'b>>,
    ) -> Result<LossValue<E::Accum>, Error> {
        evaluate::<E, E>(self, head, &batch.into(), None).map(|out| out.value)
    }

    /// The loss and its gradients with respect to features, weights, bias and, on request, temperature.
    ///
    /// # Errors
    /// See [`HeadLoss::head_loss`]; an upstream gradient that is not finite or of the wrong shape.
    fn head_loss_and_gradient<'b, E: Element>(
        &self,
        head: &LinearHead<'_, E>,
        batch: impl Into<Batch<'b>>,
        request: &GradientRequest<'_>,
    ) -> Result<HeadLossAndGradient<E>, Error> {
        evaluate(self, head, &batch.into(), Some(request))
    }

    /// The same with the gradients in the accumulating type, for callers who scale them before they round them.
    ///
    /// # Errors
    /// See [`HeadLoss::head_loss_and_gradient`].
    fn head_loss_and_wide_gradient<'b, E: Element>(
        &self,
        head: &LinearHead<'_, E>,
        batch: impl Into<Batch<'b>>,
        request: &GradientRequest<'_>,
    ) -> Result<HeadLossAndGradient<E::Accum>, Error> {
        evaluate(self, head, &batch.into(), Some(request))
    }
}
