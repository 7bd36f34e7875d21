//! One segment of the candidates as the tensor operations take it: scores and weighted sums, form by form.

use burn::tensor::{Int, Tensor};
use ndarray::Axis;
use softnce::{Error as LossError, Targets};

use super::Call;
use super::uploads::{Floats, Ints, Place, Sent, Uploads};
use crate::batch::{check_float, read_labels};
use crate::{Error, LossTargets};

/// One segment of the candidates.
pub(super) enum Segment<'t> {
    /// Targets on the host, in any form.
    Host(Targets<'t>),
    /// Class labels on the device, whose values are not checked. Shape `[M]`.
    Labels(Tensor<1, Int>, usize),
    /// Probabilities on the device. Shape `[M, d]`.
    Probabilities(Tensor<2>),
}

impl<'t> Segment<'t> {
    pub(super) fn new(targets: &'t LossTargets, call: &Call, classes: usize) -> Result<Self, Error> {
        Ok(match targets {
            // Reading them back waits for the device.
            LossTargets::Labels(labels) if call.check_values => Segment::Host(read_labels(labels, classes)?),
            LossTargets::Labels(labels) => Segment::Labels(labels.clone(), classes),
            _ if call.kind.needs_hard_labels() => {
                // One-hot rows are found on the host.
                let targets = targets.on_host(classes)?;
                let hard = targets.to_hard().ok_or_else(|| call.kind.hard_labels_needed(targets.form()))?;
                Segment::Host(hard.into_owned())
            }
            LossTargets::Host(targets) => Segment::Host(targets.view()),
            LossTargets::Probabilities(probabilities) => {
                check_float("targets", probabilities.dtype())?;
                Segment::Probabilities(probabilities.clone().without_autodiff())
            }
        })
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Segment::Host(targets) => targets.len(),
            Segment::Labels(labels, _) => labels.dims()[0],
            Segment::Probabilities(probabilities) => probabilities.dims()[0],
        }
    }

    /// The targets, or hard ones of the same shape in their place: enough to check everything but the values.
    pub(super) fn on_host(&self) -> Result<Targets<'_>, Error> {
        let (rows, classes) = match self {
            Segment::Host(targets) => return Ok(targets.view()),
            Segment::Labels(labels, classes) => (labels.dims()[0], *classes),
            Segment::Probabilities(probabilities) => (probabilities.dims()[0], probabilities.dims()[1]),
        };
        if rows == 0 {
            return Err(LossError::empty("targets", &[rows, classes]).into());
        }
        Ok(Targets::hard(&vec![0; rows], classes)?)
    }

    /// The share that every candidate of the segment spreads evenly over all classes; `None` if it differs, or if only
    /// the device knows the values.
    pub(super) fn equal_share(&self) -> Option<f64> {
        match self {
            Segment::Labels(..) => Some(0.0),
            Segment::Probabilities(_) => None,
            Segment::Host(targets) if targets.labels().is_some() => Some(0.0),
            Segment::Host(targets) => {
                let (uniform, ..) = targets.compact_parts()?;
                let first = *uniform.first()?;
                uniform.iter().all(|&share| share == first).then_some(first)
            }
        }
    }

    /// Lists what the device needs to know of these rows of the segment; `None`: of all its rows, in their order.
    ///
    /// With `cancelled`, the evenly spread share is left out: it shifts all scores of a row alike, which changes no
    /// contrastive loss.
    pub(super) fn rows(
        &self,
        rows: Option<&[usize]>,
        cancelled: bool,
        place: &Place,
        uploads: &mut Uploads,
    ) -> Result<Rows, Error> {
        let count = rows.map_or(self.len(), <[usize]>::len);
        let mut index = || rows.map(|rows| uploads.ints(rows.iter().map(|&row| row as u32)));
        let form = match self {
            Segment::Labels(labels, _) => Form::DeviceLabels(labels.clone().to_device(&place.device), index()),
            Segment::Probabilities(all) => {
                let all = all.clone().to_device(&place.device).cast(place.dtype);
                Form::Dense(all.clone() / all.sum_dim(1), index())
            }
            Segment::Host(targets) => {
                let every: Vec<usize>;
                let rows = match rows {
                    Some(rows) => rows,
                    None => {
                        every = (0..count).collect();
                        &every
                    }
                };
                if let Some(labels) = targets.labels() {
                    Form::Labels(uploads.ints(rows.iter().map(|&row| labels[row])))
                } else if let Some((uniform, classes, weights)) = targets.compact_parts() {
                    Form::Compact {
                        uniform: (!cancelled).then(|| uploads.floats(rows.iter().map(|&row| uniform[row]))),
                        listed: classes.ncols(),
                        classes: uploads.ints(classes.select(Axis(0), rows)),
                        weights: uploads.floats(weights.select(Axis(0), rows)),
                    }
                } else {
                    let dense = targets.to_dense()?.select(Axis(0), rows);
                    let shape = [dense.nrows(), dense.ncols()];
                    // Not among the small constants: taking it out of them would copy it on the device.
                    Form::Dense(place.floats(dense.into_iter().collect(), shape), None)
                }
            }
        };
        Ok(Rows { count, form })
    }
}

/// Rows of a segment whose constants are on their way to the device.
pub(super) struct Rows {
    count: usize,
    form: Form,
}

enum Form {
    /// The class of each row.
    Labels(Ints),
    /// All labels of the segment, and which of them belong to the rows; `None`: all.
    DeviceLabels(Tensor<1, Int>, Option<Ints>),
    /// The evenly spread shares, unless they cancel; K listed classes a row and their weights.
    Compact { uniform: Option<Floats>, listed: usize, classes: Ints, weights: Floats },
    /// All probabilities of the segment, each row divided by its sum, and which of them belong to the rows.
    Dense(Tensor<2>, Option<Ints>),
}

impl Rows {
    /// `S W^T`. Shapes: `[N, d]` in, `[N, count]` out.
    pub(super) fn score(self, scores: Tensor<2>, sent: &Sent) -> Tensor<2> {
        let count = self.count;
        match self.form {
            Form::Labels(labels) => scores.select(1, sent.ints(&labels, [count])),
            Form::DeviceLabels(labels, rows) => scores.select(1, labels_of(labels, rows, count, sent)),
            Form::Dense(all, rows) => scores.matmul(rows_of(all, rows, count, sent).transpose()),
            Form::Compact { uniform, listed, classes, weights } => {
                // Not as a product of matrices: GPUs round the factors of those.
                let mut out = match uniform {
                    Some(uniform) => scores.clone().mean_dim(1) * sent.floats(&uniform, [1, count]),
                    None => Tensor::zeros([scores.dims()[0], count], (&scores.device(), scores.dtype())),
                };
                let classes = sent.ints(&classes, [count, listed]);
                let weights = sent.floats(&weights, [count, listed]);
                for column in 0..listed {
                    let index = classes.clone().slice([0..count, column..column + 1]).reshape([count]);
                    let weight = weights.clone().slice([0..count, column..column + 1]).reshape([1, count]);
                    out = out + scores.clone().select(1, index) * weight;
                }
                out
            }
        }
    }

    /// `sum_k W_k values_k`, row by row. Shapes: `[count, d]` in, `[count]` out.
    pub(super) fn weighted_sum(self, values: Tensor<2>, sent: &Sent) -> Tensor<1> {
        let count = self.count;
        let at = |values: Tensor<2>, labels: Tensor<1, Int>| values.gather(1, labels.reshape([count, 1]));
        let sums = match self.form {
            Form::Labels(labels) => at(values, sent.ints(&labels, [count])),
            Form::DeviceLabels(labels, rows) => at(values, labels_of(labels, rows, count, sent)),
            Form::Dense(all, rows) => (values * rows_of(all, rows, count, sent)).sum_dim(1),
            Form::Compact { uniform, listed, classes, weights } => {
                let even = uniform.map(|uniform| values.clone().mean_dim(1) * sent.floats(&uniform, [count, 1]));
                let mut sums = even.unwrap_or_else(|| Tensor::zeros([count, 1], (&values.device(), values.dtype())));
                if listed > 0 {
                    let shape = [count, listed];
                    let listed = values.gather(1, sent.ints(&classes, shape)) * sent.floats(&weights, shape);
                    sums = sums + listed.sum_dim(1);
                }
                sums
            }
        };
        sums.reshape([count])
    }
}

// Two functions: Burn keeps the trait that would make them one to itself.

/// These rows; `None`: all of them.
fn rows_of(all: Tensor<2>, rows: Option<Ints>, count: usize, sent: &Sent) -> Tensor<2> {
    match rows {
        Some(rows) => all.select(0, sent.ints(&rows, [count])),
        None => all,
    }
}

/// These labels; `None`: all of them.
fn labels_of(all: Tensor<1, Int>, rows: Option<Ints>, count: usize, sent: &Sent) -> Tensor<1, Int> {
    match rows {
        Some(rows) => all.select(0, sent.ints(&rows, [count])),
        None => all,
    }
}
