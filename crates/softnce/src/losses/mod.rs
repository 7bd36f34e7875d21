//! The losses, one file each, and the call they share.

mod cross_entropy;
mod info_nce;
mod selected;
mod settings;
mod soft_distribution;
mod soft_target_info_nce;

use ndarray::{Array1, Array2, ArrayView1, ArrayView2};
use num_traits::Zero;

pub use cross_entropy::{Nll, SoftTargetCrossEntropy};
pub use info_nce::InfoNce;
pub use selected::SelectedLoss;
pub use settings::LossSettings;
pub use soft_distribution::SoftDistributionInfoNce;
pub use soft_target_info_nce::SoftTargetInfoNce;

use crate::memory::zeros;
use crate::paths::{Gradients, Outputs, Scores};
use crate::reduction::reduce;
use crate::targets::check_size;
use crate::{Accum, Batch, Element, Error, LossKind, LossValue, NoiseDistribution, Reduction};

/// The call that all losses of the family share, so that they can be swapped: in the source by their type, at run time
/// through [`SelectedLoss`] (the calls are generic over the float type, so there is no `dyn Loss`).
///
/// # Shapes
/// `logits`: `[N, d]`, f16, bf16, f32 or f64, contiguous or not. `batch`: M >= N targets over d classes, from
/// [`Targets`](crate::Targets) or a [`Batch`].
///
/// # Errors
/// Shapes that do not agree; N or M of 0; logits that are not finite, or overflow once divided by the temperature; a
/// positive that is no candidate; row weights that are all 0. The label side is checked when it is built.
pub trait Loss {
    /// Which loss this is.
    fn kind(&self) -> LossKind;

    /// Temperature, noise distribution and reduction.
    fn settings(&self) -> &LossSettings;

    /// The loss and, on request, its gradients in the type G: what the other methods are made of.
    #[doc(hidden)]
    fn evaluate<E: Element, G: Element<Accum = E::Accum>>(
        &self,
        logits: ArrayView2<'_, E>,
        batch: &Batch<'_>,
        request: Option<&GradientRequest<'_>>,
    ) -> Evaluated<G>;

    /// The loss.
    ///
    /// # Errors
    /// See [`Loss`].
    fn loss<'b, E: Element>(
        &self,
        logits: ArrayView2<'_, E>,
        batch: impl Into<Batch<'b>>,
    ) -> Result<LossValue<E::Accum>, Error> {
        self.evaluate::<E, E>(logits, &batch.into(), None).map(|(value, _)| value)
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
        self.evaluate::<E, E>(logits, &batch.into(), Some(request)).map(LossAndGradient::from_parts)
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
        self.evaluate::<E, E::Accum>(logits, &batch.into(), Some(request)).map(LossAndGradient::from_parts)
    }
}

impl<E: Element> LossAndGradient<E> {
    fn from_parts((value, gradients): Parts<E>) -> Self {
        let (logits_gradient, temperature_gradient) = gradients.unwrap_or_default();
        LossAndGradient { value, logits_gradient, temperature_gradient }
    }

    /// The gradient with respect to the temperature, where it was asked for: the sum of its parts.
    pub fn temperature_gradient_sum(&self) -> Option<f64> {
        self.temperature_gradient.as_ref().map(|parts| parts.sum())
    }
}

/// What to compute besides the gradient with respect to the logits, and from which upstream gradient.
#[derive(Debug, Clone, Default)]
pub struct GradientRequest<'a> {
    upstream: Option<ArrayView1<'a, f64>>,
    temperature: bool,
}

impl<'a> GradientRequest<'a> {
    /// The gradient with respect to the logits, from an upstream gradient of 1.
    pub fn new() -> Self {
        GradientRequest::default()
    }

    /// The gradient of what comes after the loss with respect to the loss.
    ///
    /// # Shapes
    /// `upstream`: `[N]` under reduction none, else `[1]`.
    #[must_use]
    pub fn with_upstream(mut self, upstream: impl Into<ArrayView1<'a, f64>>) -> Self {
        self.upstream = Some(upstream.into());
        self
    }

    /// Also the gradient with respect to the temperature.
    #[must_use]
    pub fn with_temperature(mut self) -> Self {
        self.temperature = true;
        self
    }
}

/// A loss with its gradient.
#[derive(Debug, Clone, PartialEq)]
pub struct LossAndGradient<E: Element> {
    /// The loss.
    pub value: LossValue<E::Accum>,
    /// Gradient with respect to the logits, rounded once to their type (beyond its range it is infinite, as everywhere
    /// in half precision). Shape `[N, d]`.
    pub logits_gradient: Array2<E>,
    /// Each row's part of the gradient with respect to the temperature, where asked for; the gradient is their sum.
    /// Shape `[N]`.
    pub temperature_gradient: Option<Array1<f64>>,
}

/// A reduced loss, with the gradients that were asked for: by the logits and by the temperature.
type Parts<G> = (LossValue<<G as Element>::Accum>, Option<(Array2<G>, Option<Array1<f64>>)>);
/// The same, or why not.
pub(crate) type Evaluated<G> = Result<Parts<G>, Error>;

/// Runs a path: checks, reduction, upstream gradient.
fn run_path<E: Element, G: Element<Accum = E::Accum>>(
    settings: &LossSettings,
    noise: &NoiseDistribution,
    logits: ArrayView2<'_, E>,
    batch: &Batch<'_>,
    request: Option<&GradientRequest<'_>>,
    path: impl Fn(&Scores<'_, E>, &[usize], &mut Outputs<'_, E::Accum, G>) -> Result<(), Error>,
) -> Evaluated<G> {
    let (rows, classes) = check_size(logits.dim())?;
    let positives = batch.check(rows, classes)?;
    noise.check_classes(classes)?;
    settings.check_temperature::<E::Accum>()?;
    let mut factors = settings.reduction().factors(rows, batch.row_weights())?;
    let reduced_by = factors.clone();
    if let Some(upstream) = request.and_then(|request| request.upstream) {
        apply_upstream(upstream, settings.reduction(), &mut factors)?;
    }
    if request.is_some() {
        check_factors::<E::Accum>(&factors, settings.temperature())?;
    }
    let mut gradient = request.map(|_| zeros((rows, classes)));
    let gradients = request.zip(gradient.as_mut()).map(|(request, gradient)| Gradients {
        logits: gradient.view_mut(),
        zeroed: true,
        temperature: request.temperature.then(|| vec![0.0; rows]),
        factors: &factors,
    });
    let mut outputs = Outputs { losses: vec![E::Accum::zero(); rows], gradients };
    let scores = Scores::new(logits, settings.temperature(), noise, settings.instructions());
    path(&scores, &positives, &mut outputs)?;
    let temperature = outputs.gradients.and_then(|gradients| gradients.temperature).map(Array1::from);
    let value = reduce(settings.reduction(), Array1::from(outputs.losses), &reduced_by);
    check_finite(&value)?;
    Ok((value, gradient.map(|gradient| (gradient, temperature))))
}

/// The rows are finite; huge row weights can still carry their sum out of range.
fn check_finite<A: Accum>(value: &LossValue<A>) -> Result<(), Error> {
    let found = match value {
        LossValue::Scalar(value) => (!value.is_finite()).then(|| (vec![], value.as_f64())),
        LossValue::Rows(rows) => {
            rows.iter().position(|value| !value.is_finite()).map(|row| (vec![row], rows[row].as_f64()))
        }
    };
    match found {
        Some((index, value)) => Err(Error::NonFinite { argument: "loss", index, value }),
        None => Ok(()),
    }
}

/// The factor of a row's gradient must fit the type it is computed in.
fn check_factors<A: Accum>(factors: &[f64], temperature: f64) -> Result<(), Error> {
    match factors.iter().position(|factor| !A::of(factor / temperature).is_finite()) {
        Some(row) => {
            let value = factors[row] / temperature;
            Err(Error::NonFinite { argument: "row weight x upstream gradient / temperature", index: vec![row], value })
        }
        None => Ok(()),
    }
}

fn apply_upstream(upstream: ArrayView1<'_, f64>, reduction: Reduction, factors: &mut [f64]) -> Result<(), Error> {
    if let Some((row, &value)) = upstream.iter().enumerate().find(|(_, value)| !value.is_finite()) {
        return Err(Error::NonFinite { argument: "upstream", index: vec![row], value });
    }
    let expected = if reduction == Reduction::None { factors.len() } else { 1 };
    if upstream.len() != expected {
        let expected = format!("[{expected}], as the loss");
        return Err(Error::Shape { argument: "upstream", found: vec![upstream.len()], expected });
    }
    let upstream = upstream.iter().copied().cycle();
    factors.iter_mut().zip(upstream).for_each(|(factor, upstream)| *factor *= upstream);
    Ok(())
}

/// Refuses soft targets where a loss takes hard labels only.
fn require_hard(loss: LossKind, batch: &Batch<'_>) -> Result<(), Error> {
    match batch.segments().iter().map(|segment| segment.form()).find(|&form| form != crate::Form::Hard) {
        Some(found) => Err(Error::HardTargetsRequired { loss, found }),
        None => Ok(()),
    }
}
