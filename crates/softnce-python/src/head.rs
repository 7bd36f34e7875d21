//! The losses of a linear head, without materialising its logits.

use bytemuck::Pod;
use ndarray::{Array, Dimension};
use pyo3::prelude::*;
use pyo3::types::PyByteArray;
use softnce::{Accum, Batch, GradientRequest, HeadLoss, HeadLossAndGradient, LinearHead, Reduction};

use crate::error::exception;
use crate::loss::{Float, Settings, write_value};
use crate::segment::{Positives, Segment, batch, floats};
use crate::view::{View, with_float};
use crate::{threads, warning};

/// The result as raw memory: the classes that occur (64-bit integers); the gradients with respect to the features, and
/// to the weight rows and bias entries of these classes; each row's part of the temperature's gradient. The gradients
/// are in the type in which sums are kept.
type Gradients<'py> = (
    Bound<'py, PyByteArray>,
    Bound<'py, PyByteArray>,
    Bound<'py, PyByteArray>,
    Option<Bound<'py, PyByteArray>>,
    Bound<'py, PyByteArray>,
);

/// Writes the loss of a head and returns its gradients and warnings. With reduction none, the upstream gradient `[N]`
/// weights the rows. `scale` multiplies a reduced loss and its gradients.
#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "one flat call is what Python makes fastest")]
pub(crate) fn head<'py>(
    py: Python<'py>,
    settings: Settings,
    arrays: (View, View, Option<View>),
    segments: Vec<Segment>,
    positives: Positives,
    row_weights: Option<View>,
    scale: f64,
    upstream: Option<View>,
    wanted: bool,
    value: View,
) -> PyResult<(Option<Gradients<'py>>, Vec<String>)> {
    let (features, weight, bias) = arrays;
    let call = Call { settings: &settings, features, weight, bias, scale, upstream, wanted, value };
    let result = with_float!(features, "features", E => {
        let out = py.detach(|| threads::run(|| {
            let recognise = settings.recognise() || settings.kind()?.needs_hard_labels();
            let batch = batch(&segments, &positives, row_weights, weight.shape.0, recognise)?;
            call.evaluate::<E>(&batch)
        }));
        out.map(|out| out.map(|out| gradients(py, &out)))
    })?;
    Ok((result, warning::take()))
}

struct Call<'c> {
    settings: &'c Settings,
    features: View,
    weight: View,
    bias: Option<View>,
    scale: f64,
    upstream: Option<View>,
    wanted: bool,
    value: View,
}

impl Call<'_> {
    fn evaluate<E: Float>(&self, batch: &Batch<'_>) -> PyResult<Option<HeadLossAndGradient<E::Accum>>> {
        let mut head = LinearHead::new(self.features.array::<E>()?, self.weight.array::<E>()?).map_err(exception)?;
        if let Some(bias) = self.bias {
            head = head.with_bias(bias.column::<E>()?).map_err(exception)?;
        }
        let loss = self.settings.loss()?;
        if !self.wanted {
            let value = loss.head_loss(&head, batch).map_err(exception)?;
            write_value(self.value, &value, self.scale)?;
            return Ok(None);
        }
        let upstream = match self.upstream {
            Some(upstream) => floats("upstream", upstream)?.to_vec(),
            None if self.settings.reduction()? == Reduction::None => vec![1.0; self.features.shape.0],
            None => vec![self.scale],
        };
        let request = GradientRequest::new().with_temperature_gradient().with_upstream(&upstream);
        let out = loss.head_loss_and_wide_gradient(&head, batch, &request).map_err(exception)?;
        write_value(self.value, &out.value, self.scale)?;
        Ok(Some(out))
    }
}

fn gradients<'py, A: Accum + Pod>(py: Python<'py>, out: &HeadLossAndGradient<A>) -> Gradients<'py> {
    let temperature = out.temperature_gradient.as_ref().map(|parts| bytes(py, parts));
    (
        bytes(py, &out.class_indices.mapv(i64::from)),
        bytes(py, &out.features_gradient),
        bytes(py, &out.weights_gradient),
        out.bias_gradient.as_ref().map(|bias| bytes(py, bias)),
        temperature.unwrap_or_else(|| PyByteArray::new(py, &[])),
    )
}

/// The entries of an array in row-major order.
fn bytes<'py, T: Pod, D: Dimension>(py: Python<'py>, values: &Array<T, D>) -> Bound<'py, PyByteArray> {
    let standard = values.as_standard_layout();
    PyByteArray::new(py, bytemuck::cast_slice(standard.as_slice().unwrap_or_default()))
}
