//! One segment of the candidates as the tensor operations take it: scores and weighted sums, form by form.

use burn::tensor::{DType, Device, Int, Tensor, TensorData};
use ndarray::{Array2, Axis};
use softnce::{Error as LossError, Targets};

use super::Call;
use crate::batch::{check_float, read_labels};
use crate::{Error, LossTargets};

/// Where constants go.
pub(super) struct Place {
    pub(super) device: Device,
    pub(super) dtype: DType,
}

impl Place {
    pub(super) fn floats<const D: usize>(&self, values: Vec<f64>, shape: [usize; D]) -> Tensor<D> {
        Tensor::from_data(TensorData::new(values, shape), (&self.device, self.dtype))
    }

    pub(super) fn ints<const D: usize>(&self, values: Vec<i64>, shape: [usize; D]) -> Tensor<D, Int> {
        Tensor::from_data(TensorData::new(values, shape), &self.device)
    }
}

/// One segment of the candidates.
pub(super) enum Segment<'t> {
    Host(Targets<'t>),
    Device(Tensor<2>),
}

impl<'t> Segment<'t> {
    pub(super) fn new(targets: &'t LossTargets, call: &Call, classes: usize) -> Result<Self, Error> {
        if call.kind.needs_hard_labels() {
            // One-hot rows are found on the host.
            let targets = targets.on_host(classes)?;
            let hard = targets.to_hard().ok_or_else(|| call.kind.hard_labels_needed(targets.form()))?;
            return Ok(Segment::Host(hard.into_owned()));
        }
        Ok(match targets {
            LossTargets::Host(targets) => Segment::Host(targets.view()),
            LossTargets::Labels(labels) => Segment::Host(read_labels(labels, classes)?),
            LossTargets::Probabilities(probabilities) => {
                check_float("targets", probabilities.dtype())?;
                Segment::Device(probabilities.clone().without_autodiff())
            }
        })
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Segment::Host(targets) => targets.len(),
            Segment::Device(probabilities) => probabilities.dims()[0],
        }
    }

    /// The targets, or hard ones of the same shape in their place: enough to check everything but the values.
    pub(super) fn on_host(&self) -> Result<Targets<'_>, Error> {
        match self {
            Segment::Host(targets) => Ok(targets.view()),
            Segment::Device(probabilities) => {
                let [rows, classes] = probabilities.dims();
                if rows == 0 {
                    return Err(LossError::empty("targets", &[rows, classes]).into());
                }
                Ok(Targets::hard(&vec![0; rows], classes)?)
            }
        }
    }

    /// The rows as a dense tensor, each divided by its sum.
    fn dense(&self, place: &Place) -> Result<Tensor<2>, Error> {
        Ok(match self {
            Segment::Host(targets) => place.floats(flat(targets.to_dense()?), [targets.len(), targets.classes()]),
            Segment::Device(probabilities) => {
                let rows = probabilities.clone().to_device(&place.device).cast(place.dtype);
                rows.clone() / rows.sum_dim(1)
            }
        })
    }

    /// `S W^T`. Shapes: `[N, d]` in, `[N, M']` out.
    pub(super) fn score(&self, scores: Tensor<2>, place: &Place) -> Result<Tensor<2>, Error> {
        let dense = |scores: Tensor<2>| Ok(scores.matmul(self.dense(place)?.transpose()));
        let Segment::Host(targets) = self else { return dense(scores) };
        if let Some(labels) = targets.labels() {
            let labels: Vec<i64> = labels.iter().map(|&label| i64::from(label)).collect();
            let count = labels.len();
            return Ok(scores.select(1, place.ints(labels, [count])));
        }
        let Some((uniform, classes, weights)) = targets.compact_parts() else { return dense(scores) };
        let count = uniform.len();
        // Not as a product of matrices: GPUs round the factors of those.
        let mut out = scores.clone().mean_dim(1) * place.floats(uniform.to_vec(), [1, count]);
        for (classes, weights) in classes.axis_iter(Axis(1)).zip(weights.axis_iter(Axis(1))) {
            let index = place.ints(classes.iter().map(|&class| i64::from(class)).collect(), [count]);
            out = out + scores.clone().select(1, index) * place.floats(weights.to_vec(), [1, count]);
        }
        Ok(out)
    }

    /// `sum_k W_k values_k`, row by row. Shapes: `[n, d]` and n rows of this segment in, `[n]` out.
    pub(super) fn weigh(&self, values: Tensor<2>, rows: &[usize], place: &Place) -> Result<Tensor<1>, Error> {
        let count = rows.len();
        let dense = |values: Tensor<2>| {
            let index = place.ints(rows.iter().map(|&row| row as i64).collect(), [count]);
            Ok((values * self.dense(place)?.select(0, index)).sum_dim(1).reshape([count]))
        };
        let Segment::Host(targets) = self else { return dense(values) };
        if let Some(labels) = targets.labels() {
            let labels = rows.iter().map(|&row| i64::from(labels[row])).collect();
            return Ok(values.gather(1, place.ints(labels, [count, 1])).reshape([count]));
        }
        let Some((uniform, classes, weights)) = targets.compact_parts() else { return dense(values) };
        let uniform = uniform.select(Axis(0), rows).to_vec();
        let (classes, weights) = (classes.select(Axis(0), rows), weights.select(Axis(0), rows));
        let spread = values.clone().mean_dim(1) * place.floats(uniform, [count, 1]);
        if classes.ncols() == 0 {
            return Ok(spread.reshape([count]));
        }
        let shape = [count, classes.ncols()];
        let index = place.ints(classes.iter().map(|&class| i64::from(class)).collect(), shape);
        let listed = values.gather(1, index) * place.floats(flat(weights), shape);
        Ok((listed.sum_dim(1) + spread).reshape([count]))
    }
}

fn flat(values: Array2<f64>) -> Vec<f64> {
    values.iter().copied().collect()
}
