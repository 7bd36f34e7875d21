//! Checks of values on the device. Each waits for it.

use burn::tensor::{Bool, DType, Tensor};
use ndarray::Array2;
use softnce::{Element, Error as LossError, Loss, Nll, Reduction, Targets};

use super::Call;
use super::segment::Segment;
use crate::Error;
use crate::batch::{read_error, read_probabilities};

/// Checks the probabilities on the device: one answer for each segment is read back.
pub(super) fn check_segments(segments: &[Segment<'_>]) -> Result<(), Error> {
    for segment in segments {
        let Segment::Probabilities(probabilities) = segment else { continue };
        let tolerance = match probabilities.dtype() {
            DType::F16 => half::f16::SIMPLEX_TOLERANCE,
            DType::BF16 => half::bf16::SIMPLEX_TOLERANCE,
            _ => f32::SIMPLEX_TOLERANCE,
        };
        let wide = match probabilities.dtype() {
            DType::F64 => probabilities.clone(),
            _ => probabilities.clone().cast(DType::F32),
        };
        let sums = (wide.clone().sum_dim(1) - 1.0).abs().lower_equal_elem(tolerance).all();
        let signs = wide.greater_equal_elem(0.0).all();
        if !read_bool("targets", sums.bool_and(signs))? {
            // Only now read the targets back, for the message; where rounding alone differs they pass after all.
            read_probabilities(probabilities)?;
        }
    }
    Ok(())
}

/// Checks the scores and the loss: one answer is read back.
pub(super) fn check_finite(logits: &Tensor<2>, scores: Tensor<2>, value: &Tensor<1>, call: &Call) -> Result<(), Error> {
    let logits = logits.clone().without_autodiff();
    let value = value.clone().without_autodiff();
    if read_bool("logits", scores.is_finite().all().bool_and(value.clone().is_finite().all()))? {
        return Ok(());
    }
    // The kernels' own checks name the entry.
    let [rows, classes] = logits.dims();
    let values = logits.try_to_vec_as::<f64>().map_err(|error| read_error("logits", error))?;
    let shape = |_| LossError::shape("logits", &[rows, classes], "[N, d]");
    let values = Array2::from_shape_vec((rows, classes), values).map_err(shape)?;
    let targets = Targets::hard(&vec![0; rows], classes)?;
    let nll = Nll::new(call.settings.clone());
    match logits.dtype() {
        DType::F64 => nll.loss(values.view(), &targets).map(|_| ()),
        _ => nll.loss(values.mapv(|value| value as f32).view(), &targets).map(|_| ()),
    }?;
    // The logits are finite, the loss is not: huge row weights, for example.
    let values = value.try_to_vec_as::<f64>().map_err(|error| read_error("loss", error))?;
    let row = values.iter().position(|value| !value.is_finite()).unwrap_or(0);
    let index = if call.settings.reduction() == Reduction::None { vec![row] } else { vec![] };
    Err(LossError::non_finite("loss", index, values.get(row).copied().unwrap_or(f64::NAN)).into())
}

fn read_bool(argument: &'static str, all: Tensor<1, Bool>) -> Result<bool, Error> {
    all.try_into_scalar::<bool>().map_err(|error| read_error(argument, error))
}
