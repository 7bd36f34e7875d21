//! The same losses composed of tensor operations, for devices without kernels of ours.
//!
//! Hard and compact targets through select, dense ones through matmul; the N x M scores live on the device. Logits in
//! half precision are widened to f32 first, and the loss stays in it: in half precision a sum over many rows is soon
//! infinite.

use burn::tensor::activation::{log_softmax, relu};
use burn::tensor::{DType, Tensor};
use ndarray::Array2;
use softnce::{Batch, Element, Error as LossError, ErrorKind, Loss, LossKind, Nll, Reduction, Targets};

use super::Call;
use super::segment::{Place, Segment};
use crate::batch::{float_error, read_error, read_probabilities};
use crate::{Error, LossBatch};

/// What the losses are composed of.
enum Formula {
    /// Soft target InfoNCE; of hard labels as well.
    Contrastive,
    /// Soft target cross-entropy; of hard labels as well.
    CrossEntropy,
    BinaryCrossEntropy,
}

impl Formula {
    fn of(kind: LossKind) -> Result<Self, Error> {
        match kind {
            LossKind::SoftTargetInfoNce | LossKind::SoftDistributionInfoNce | LossKind::InfoNce => {
                Ok(Formula::Contrastive)
            }
            LossKind::SoftTargetCrossEntropy | LossKind::Nll => Ok(Formula::CrossEntropy),
            LossKind::BinaryCrossEntropy => Ok(Formula::BinaryCrossEntropy),
            _ => {
                let expected = "a loss that is composed of tensor operations, for a device other than the CPU";
                Err(LossError::new(ErrorKind::Unsupported, "loss", kind.name(), expected).into())
            }
        }
    }
}

pub(crate) fn tensor(call: &Call, logits: Tensor<2>, batch: &LossBatch) -> Result<Tensor<1>, Error> {
    let formula = Formula::of(call.kind)?;
    let wide = match logits.dtype() {
        DType::F64 | DType::F32 => logits,
        DType::F16 | DType::BF16 => logits.cast(DType::F32),
        found => return Err(float_error("logits", found)),
    };
    let [rows, classes] = wide.dims();
    let place = Place { device: wide.device().without_autodiff(), dtype: wide.dtype() };
    let segments = batch.segments.iter().map(|segment| Segment::new(segment, call, classes));
    let segments = segments.collect::<Result<Vec<_>, _>>()?;
    let host = batch.over(segments.iter().map(Segment::on_host).collect::<Result<_, _>>()?)?;
    let positives = host.check(rows, classes)?;
    match wide.dtype() {
        DType::F64 => call.settings.check_temperature::<f64>()?,
        _ => call.settings.check_temperature::<f32>()?,
    }
    call.settings.noise().check_classes(classes)?;
    if call.check_values {
        check_segments(&segments)?;
    }

    let factors = call.settings.reduction().factors(rows, host.row_weights())?;
    // A constant off a row changes nothing but the rounding, the temperature's gradient above all.
    let centred = match formula {
        // Each class is a question of its own: here a constant matters.
        Formula::BinaryCrossEntropy => wide.clone(),
        Formula::Contrastive | Formula::CrossEntropy => wide.clone() - wide.clone().detach().max_dim(1),
    };
    let scores = match call.log_temperature.clone() {
        Some(log_temperature) => centred * log_temperature.neg().exp().cast(wide.dtype()).reshape([1, 1]),
        // Not a division: its backward pass takes the reciprocal in single precision.
        None => centred * call.settings.temperature().recip(),
    };
    // The scores are finite only where the logits are.
    let checked = call.check_values.then(|| scores.clone().without_autodiff());
    let losses = match formula {
        Formula::BinaryCrossEntropy => binary_cross_entropy(scores, &segments, &positives, &place)?,
        Formula::Contrastive => {
            host.warn_once();
            contrastive(call, scores, &segments, &host, &positives, &place)?
        }
        Formula::CrossEntropy => weighed(log_softmax(scores, 1), &segments, &positives, &place)?.neg(),
    };
    let weighted = losses * place.floats(factors, [rows]);
    let reduced = match call.settings.reduction() {
        Reduction::None => weighted,
        Reduction::Sum | Reduction::Mean => weighted.sum(),
    };
    if let Some(scores) = checked {
        check_finite(&wide, scores, &reduced, call)?;
    }
    Ok(reduced)
}

/// `logsumexp_j (A_ij + log m_j) - A_i,p(i)`. Shape of the output: `[N]`.
fn contrastive(
    call: &Call,
    mut scores: Tensor<2>,
    segments: &[Segment<'_>],
    batch: &Batch<'_>,
    positives: &[usize],
    place: &Place,
) -> Result<Tensor<1>, Error> {
    if let Some(log_eta) = call.settings.noise().log_probabilities() {
        scores = scores - place.floats(log_eta.to_vec(), [1, log_eta.len()]);
    }
    let columns = segments.iter().map(|segment| segment.score(scores.clone(), place));
    let all = Tensor::cat(columns.collect::<Result<_, _>>()?, 1);
    let index = positives.iter().map(|&positive| positive as i64).collect();
    let positive = all.clone().gather(1, place.ints(index, [positives.len(), 1]));
    let counted = match batch.multiplicities() {
        Some(multiplicities) => {
            let logs: Vec<f64> = multiplicities.iter().map(|m| m.ln()).collect();
            let count = logs.len();
            all + place.floats(logs, [1, count])
        }
        None => all,
    };
    let max = counted.clone().detach().max_dim(1);
    let log_sum = (counted - max.clone()).exp().sum_dim(1).log() + max;
    Ok((log_sum - positive).reshape([positives.len()]))
}

/// `sum_k log(1 + exp S_ik) - W_p(i),k S_ik`. Shape of the output: `[N]`.
fn binary_cross_entropy(
    scores: Tensor<2>,
    segments: &[Segment<'_>],
    positives: &[usize],
    place: &Place,
) -> Result<Tensor<1>, Error> {
    let softplus = relu(scores.clone()) + scores.clone().abs().neg().exp().log1p();
    Ok(softplus.sum_dim(1).reshape([positives.len()]) - weighed(scores, segments, positives, place)?)
}

/// `sum_k W_p(i),k values_ik`. Shape of the output: `[N]`.
fn weighed(
    values: Tensor<2>,
    segments: &[Segment<'_>],
    positives: &[usize],
    place: &Place,
) -> Result<Tensor<1>, Error> {
    let (mut parts, mut order) = (Vec::new(), Vec::new());
    let mut first = 0;
    for segment in segments {
        // The rows whose target stands in this segment, and where it stands.
        let last = first + segment.len();
        let here = positives.iter().enumerate().filter(|(_, positive)| (first..last).contains(*positive));
        let (rows, targets): (Vec<usize>, Vec<usize>) = here.map(|(row, &positive)| (row, positive - first)).unzip();
        first = last;
        if rows.is_empty() {
            continue;
        }
        let index = place.ints(rows.iter().map(|&row| row as i64).collect(), [rows.len()]);
        parts.push(segment.weigh(values.clone().select(0, index), &targets, place)?);
        order.extend(rows);
    }
    let mut back = vec![0; order.len()];
    order.iter().enumerate().for_each(|(place, &row)| back[row] = place as i64);
    let count = back.len();
    Ok(Tensor::cat(parts, 0).select(0, place.ints(back, [count])))
}

/// Looks at the values of the targets that are on the device; one answer a segment comes back.
fn check_segments(segments: &[Segment<'_>]) -> Result<(), Error> {
    for segment in segments {
        let Segment::Device(probabilities) = segment else { continue };
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

/// Looks at the scores and the loss; one answer comes back.
fn check_finite(logits: &Tensor<2>, scores: Tensor<2>, value: &Tensor<1>, call: &Call) -> Result<(), Error> {
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

fn read_bool(argument: &'static str, all: Tensor<1, burn::tensor::Bool>) -> Result<bool, Error> {
    all.try_into_scalar::<bool>().map_err(|error| read_error(argument, error))
}
