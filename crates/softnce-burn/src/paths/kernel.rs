//! The core crate's kernels on the memory of Flex tensors.

use burn::backend::Flex;
use burn::backend::flex::FlexTensor;
use burn::tensor::{DType, Device, Tensor, TensorData};
use ndarray::{ArrayView2, ShapeBuilder};
use softnce::{AnyLoss, Element, GradientRequest, Loss, LossValue, Reduction, Targets};

use super::Call;
use super::attach::{Computed, attach};
use crate::batch::{check_float, float_error, read_error, read_labels};
use crate::{Error, LossBatch, LossTargets};

/// An element type that Burn's tensors and the kernels share.
trait Value: Element + burn::tensor::Element + bytemuck::Pod {}
impl<T: Element + burn::tensor::Element + bytemuck::Pod> Value for T {}

pub(crate) fn kernel(call: &Call, logits: Tensor<2>, batch: &LossBatch) -> Result<Tensor<1>, Error> {
    match logits.dtype() {
        DType::F64 => typed::<f64>(call, logits, batch),
        DType::F32 => typed::<f32>(call, logits, batch),
        DType::F16 => typed::<half::f16>(call, logits, batch),
        DType::BF16 => typed::<half::bf16>(call, logits, batch),
        found => Err(float_error("logits", found)),
    }
}

fn typed<E: Value<Accum: Value>>(call: &Call, logits: Tensor<2>, batch: &LossBatch) -> Result<Tensor<1>, Error> {
    let primitive = flex("logits", logits.clone())?;
    let classes = logits.dims()[1];
    let kept = batch.segments.iter().map(|segment| Kept::new(segment, classes)).collect::<Result<Vec<_>, _>>()?;
    // A loss of hard labels looks for one-hot rows in any case, and this finds them in the pass that checks the rows.
    let recognise = call.recognise || call.kind.needs_hard_labels();
    let targets = kept.iter().map(|kept| kept.targets(recognise));
    let batch = &batch.over(targets.collect::<Result<_, _>>()?)?;
    let view = view::<E>("logits", &primitive)?;
    let loss = AnyLoss::new(call.kind, call.settings.clone());

    let temperature_tracked = call.log_temperature.as_ref().is_some_and(Tensor::is_tracked);
    let logits_tracked = logits.is_autodiff() && logits.is_tracked();
    if !(logits_tracked || temperature_tracked) {
        return Ok(value_tensor(loss.loss(view, batch)?));
    }
    let request = GradientRequest::new();
    let request = if temperature_tracked { request.with_temperature_gradient() } else { request };
    let out = loss.loss_and_wide_gradient(view, batch, &request)?;

    let parts = if call.settings.reduction() == Reduction::None { logits.dims()[0] } else { 1 };
    let by_row = out.temperature_gradient.map_or_else(|| vec![0.0; parts], |gradient| gradient.to_vec());
    let by_temperature = if parts == 1 { vec![by_row.iter().sum::<f64>()] } else { by_row };
    // dL / d log tau = tau dL / dtau
    let by_logarithm: Vec<f64> = by_temperature.iter().map(|g| g * call.settings.temperature()).collect();
    let device = logits.device().without_autodiff();
    let log_temperature = call.log_temperature.clone().unwrap_or_else(|| Tensor::zeros([1], &device));
    let (shape, gradient) = (logits.dims(), out.logits_gradient.into_raw_vec_and_offset().0);
    let computed = Computed {
        value: value_tensor(out.value),
        logits_gradient: Tensor::from_primitive::<Flex>(FlexTensor::from_data(TensorData::new(gradient, shape))),
        temperature_gradient: Tensor::from_data(
            TensorData::new(by_logarithm, [parts]),
            (&device, log_temperature.dtype()),
        ),
    };
    Ok(attach(logits, log_temperature, computed))
}

/// The loss in the type of its sums: in half precision a sum over many rows is soon infinite.
fn value_tensor<A: Value>(value: LossValue<A>) -> Tensor<1> {
    let values = match value {
        LossValue::Scalar(value) => vec![value],
        LossValue::Rows(rows) => rows.to_vec(),
    };
    let rows = values.len();
    Tensor::from_primitive::<Flex>(FlexTensor::from_data(TensorData::new(values, [rows])))
}

/// One segment of the candidates, held while its memory is in use.
enum Kept<'b> {
    Owned(Targets<'static>),
    Shared(&'b Targets<'static>),
    Memory(FlexTensor),
}

impl<'b> Kept<'b> {
    fn new(segment: &'b LossTargets, classes: usize) -> Result<Self, Error> {
        Ok(match segment {
            LossTargets::Labels(labels) => Kept::Owned(read_labels(labels, classes)?),
            LossTargets::Host(targets) => Kept::Shared(targets),
            LossTargets::Probabilities(probabilities) => {
                check_float("targets", probabilities.dtype())?;
                let here = probabilities.clone().without_autodiff().to_device(&Device::flex());
                Kept::Memory(flex("targets", here)?)
            }
        })
    }

    fn targets(&self, recognise: bool) -> Result<Targets<'_>, Error> {
        fn dense<E: Value>(tensor: &FlexTensor, recognise: bool) -> Result<Targets<'_>, Error> {
            let rows = view::<E>("targets", tensor)?;
            Ok(if recognise { Targets::dense(rows)? } else { Targets::dense_as_is(rows)? })
        }
        match self {
            Kept::Owned(targets) => Ok(targets.view()),
            Kept::Shared(targets) => Ok(targets.view()),
            Kept::Memory(tensor) => match tensor.dtype() {
                DType::F64 => dense::<f64>(tensor, recognise),
                DType::F32 => dense::<f32>(tensor, recognise),
                DType::F16 => dense::<half::f16>(tensor, recognise),
                DType::BF16 => dense::<half::bf16>(tensor, recognise),
                found => Err(float_error("targets", found)),
            },
        }
    }
}

/// The Flex tensor itself, strided or not; a copy only where it runs backwards, which array views cannot.
fn flex(argument: &'static str, tensor: Tensor<2>) -> Result<FlexTensor, Error> {
    let primitive = tensor.without_autodiff().try_into_primitive::<Flex>();
    let primitive = primitive.map_err(|error| read_error(argument, error))?;
    let forward = primitive.layout().strides().iter().all(|&stride| stride >= 0);
    Ok(if forward { primitive } else { primitive.to_contiguous() })
}

/// The tensor's memory as an array view.
fn view<'t, E: Value>(argument: &'static str, tensor: &'t FlexTensor) -> Result<ArrayView2<'t, E>, Error> {
    let layout = tensor.layout();
    let (shape, strides) = (layout.shape(), layout.strides());
    let storage = tensor.storage::<E>().get(layout.start_offset()..).unwrap_or_default();
    // An empty array has no memory to stride over; the core refuses it by name.
    let empty = shape[0] == 0 || shape[1] == 0;
    let strides = if empty { (0, 0) } else { (strides[0] as usize, strides[1] as usize) };
    ArrayView2::from_shape((shape[0], shape[1]).strides(strides), storage).map_err(|error| read_error(argument, error))
}
