//! The losses on the memory of tensors and arrays.

use bytemuck::Pod;
use ndarray::ArrayView2;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use softnce::{
    Accum, AnyLoss, Batch, Element, Evaluation, GradientRequest, Loss, LossKind, LossSettings, LossValue,
    NoiseDistribution, Reduction,
};

use crate::error::exception;
use crate::segment::{Positives, Segment, batch, floats};
use crate::view::{Entry, View, with_float};
use crate::{noise, threads, warning};

/// The settings of a loss: `(loss, temperature, noise probabilities, reduction, recognise)`.
#[derive(Debug, FromPyObject)]
pub(crate) struct Settings(String, f64, Option<View>, String, bool);

impl Settings {
    pub(crate) fn recognise(&self) -> bool {
        self.4
    }

    pub(crate) fn kind(&self) -> PyResult<LossKind> {
        self.0.parse().map_err(exception)
    }

    pub(crate) fn reduction(&self) -> PyResult<Reduction> {
        self.3.parse().map_err(exception)
    }

    pub(crate) fn loss(&self) -> PyResult<AnyLoss> {
        let noise = match self.2 {
            Some(probabilities) => {
                noise::from_probabilities(floats("noise_probs", probabilities)?.to_vec()).map_err(exception)?
            }
            None => NoiseDistribution::uniform(),
        };
        let settings = LossSettings::new().with_temperature(self.1).map_err(exception)?;
        let settings = settings.with_noise(noise).with_reduction(self.reduction()?);
        Ok(AnyLoss::new(self.kind()?, settings))
    }
}

/// The memory for the results of a call: `(loss, gradient with respect to the logits, to the temperature)`. The loss
/// and the temperature's gradient have one entry or, with reduction none, one for each row.
#[derive(Debug, FromPyObject)]
pub(crate) struct Outputs(View, Option<View>, Option<View>);

/// Writes a loss and its gradients and returns the warnings. `scale` multiplies a reduced loss and its gradients.
#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "one flat call is what Python makes fastest")]
pub(crate) fn loss(
    py: Python<'_>,
    settings: Settings,
    logits: View,
    segments: Vec<Segment>,
    positives: Positives,
    row_weights: Option<View>,
    scale: f64,
    outputs: Outputs,
) -> PyResult<Vec<String>> {
    py.detach(|| {
        threads::run(|| {
            let call = Call { settings: &settings, scale, outputs: &outputs };
            // A loss of hard labels looks for one-hot rows in any case.
            let recognise = settings.recognise() || settings.kind()?.needs_hard_labels();
            let batch = batch(&segments, &positives, row_weights, logits.shape.1, recognise)?;
            with_float!(logits, "logits", E => call.evaluate::<E>(logits, &batch))
        })
    })?;
    Ok(warning::take())
}

/// A float type of logits.
pub(crate) trait Float: Element<Accum: Entry + Pod> + Entry {}
impl<E: Element<Accum: Entry + Pod> + Entry> Float for E {}

struct Call<'c> {
    settings: &'c Settings,
    scale: f64,
    outputs: &'c Outputs,
}

impl Call<'_> {
    fn evaluate<E: Float>(&self, logits: View, batch: &Batch<'_>) -> PyResult<()> {
        let Outputs(value, gradient, temperature) = self.outputs;
        let (loss, logits) = (self.settings.loss()?, logits.array::<E>()?);
        let out = match gradient {
            None => {
                let value = loss.loss(logits, batch).map_err(exception)?;
                Evaluation { value, temperature_gradient: None }
            }
            Some(gradient) if gradient.kind == E::KIND => self.into::<E, E>(&loss, logits, batch, *gradient)?,
            Some(gradient) if gradient.kind == <E::Accum as Entry>::KIND => {
                self.into::<E, E::Accum>(&loss, logits, batch, *gradient)?
            }
            Some(gradient) => {
                let message = format!("found a gradient of type {:?} for logits of type {:?}", gradient.kind, E::KIND);
                return Err(PyTypeError::new_err(message));
            }
        };
        write_value(*value, &out.value, self.scale)?;
        if let Some((column, parts)) = temperature.zip(out.temperature_gradient) {
            // The upstream gradient has already scaled them.
            write_parts(column, parts.iter().copied())?;
        }
        Ok(())
    }

    fn into<E: Float, G: Float<Accum = E::Accum>>(
        &self,
        loss: &AnyLoss,
        logits: ArrayView2<'_, E>,
        batch: &Batch<'_>,
        gradient: View,
    ) -> PyResult<Evaluation<E::Accum>> {
        let upstream = [self.scale];
        let mut request = GradientRequest::new();
        if self.settings.reduction()? != Reduction::None {
            request = request.with_upstream(&upstream);
        }
        if self.outputs.2.is_some() {
            request = request.with_temperature_gradient();
        }
        loss.loss_and_gradient_into(logits, batch, &request, gradient.array_mut::<G>()?).map_err(exception)
    }
}

/// Writes a reduced loss times `scale`, or the unscaled losses of the rows.
pub(crate) fn write_value<A: Accum>(out: View, value: &LossValue<A>, scale: f64) -> PyResult<()> {
    match value {
        LossValue::Scalar(value) => write(out, std::iter::once(value.as_f64() * scale)),
        LossValue::Rows(rows) => write(out, rows.iter().map(|value| value.as_f64())),
    }
}

/// Writes the rows' parts of a gradient, or their sum if there is one entry.
fn write_parts(out: View, parts: impl Iterator<Item = f64>) -> PyResult<()> {
    if out.shape.0 == 1 { write(out, std::iter::once(parts.sum())) } else { write(out, parts) }
}

fn write(out: View, values: impl Iterator<Item = f64>) -> PyResult<()> {
    // The value was converted exactly to the wider type before, so this rounds only once.
    with_float!(out, "the output", E => {
        let mut column = out.column_mut::<E>()?;
        let rounded = values.map(|value| E::from_accum(<E as Element>::Accum::of(value)));
        column.iter_mut().zip(rounded).for_each(|(out, value)| *out = value);
        Ok(())
    })
}
