//! The loss of a linear head, computed from its features and the weights of the classes that occur in the batch.
//!
//! The logits `Z = H V^T + b` are computed for these T classes only (features H `[N, D]`, weights V `[T, D]`, bias b
//! `[T]`), one block of rows at a time. The loss over these classes is the loss over all classes (see
//! [`Batch::over_occurring_classes`]). Then `dL/dH = dL/dZ V` and `dL/dV = (dL/dZ)^T H`. Work and memory depend on the
//! batch and not on the number of classes.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, ArrayViewMut2, Axis, CowArray, Ix2, s};
use num_traits::Zero;
use softnce_kernels::parallel::{WAKING, for_each_part, threads_for};
use softnce_kernels::product::product;

use super::compact::{Plan, run_plan};
use super::{Gradients, Outputs, Scores};
use crate::{Accum, Batch, Element, Error, ErrorKind, LossSettings, NoiseDistribution};

/// Size limit in bytes of a block of logits, unless the weights of the classes take more. Each block reads all of these
/// weights and changes all of their gradient, which takes longer than the products if a block has few rows.
const BLOCK_BYTES: usize = 4 << 20;
/// The number of rows of a block is a multiple of this number, and so a multiple of every vector's number of lanes.
const ROWS_STEP: usize = 16;

/// A linear head: features, weight matrix and bias.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Head<'h, E> {
    /// Shape `[N, D]`.
    pub(crate) features: ArrayView2<'h, E>,
    /// Shape `[d, D]`.
    pub(crate) weights: ArrayView2<'h, E>,
    /// Shape `[d]`.
    pub(crate) bias: Option<ArrayView1<'h, E>>,
}

/// The gradients that are requested.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HeadWanted<'w> {
    /// Factor of each row: reduction, row weight and upstream gradient. Shape `[N]`.
    pub(crate) factors: &'w [f64],
    /// Whether the gradient with respect to the temperature is requested.
    pub(crate) temperature: bool,
}

/// The losses and gradients of a head.
#[derive(Debug)]
pub(crate) struct HeadOutputs<A> {
    /// Loss of each row. Shape `[N]`.
    pub(crate) losses: Vec<A>,
    pub(crate) gradients: Option<HeadGradients<A>>,
}

#[derive(Debug)]
pub(crate) struct HeadGradients<A> {
    /// Shape `[N, D]`.
    pub(crate) features: Array2<A>,
    /// Gradient with respect to the weights of the classes that occur. Shape `[T, D]`.
    pub(crate) weights: Array2<A>,
    /// Shape `[T]`.
    pub(crate) bias: Option<Array1<A>>,
    /// Each row's part of the gradient with respect to the temperature. Shape `[N]`.
    pub(crate) temperature: Option<Vec<f64>>,
}

/// Soft target InfoNCE of a head.
///
/// `classes` are the classes of the logits' columns, shape `[T]`: first the classes that occur, then any others.
/// `noise` is over `classes`, `batch` over the classes that occur.
pub(crate) fn head<E: Element>(
    head: Head<'_, E>,
    classes: &[u32],
    batch: &Batch<'_>,
    positives: &[usize],
    settings: &LossSettings,
    noise: &NoiseDistribution,
    wanted: Option<HeadWanted<'_>>,
) -> Result<HeadOutputs<E::Accum>, Error> {
    let (rows, width) = head.features.dim();
    let occurring = Occurring::gather(head, classes);
    let plan = Plan::over_all(batch, classes.len(), positives);
    let features = widened(head.features);
    let mut outputs = HeadOutputs {
        losses: vec![E::Accum::zero(); rows],
        gradients: wanted.map(|wanted| HeadGradients {
            features: Array2::zeros((rows, width)),
            weights: Array2::zeros((classes.len(), width)),
            bias: None,
            temperature: wanted.temperature.then(|| vec![0.0; rows]),
        }),
    };
    let mut bias_gradient = vec![0.0; if head.bias.is_some() { classes.len() } else { 0 }];
    let class_bytes = classes.len() * size_of::<E::Accum>();
    let fitting = (BLOCK_BYTES / class_bytes).max(width);
    let block_rows = (fitting / ROWS_STEP * ROWS_STEP).clamp(ROWS_STEP, rows.next_multiple_of(ROWS_STEP)).min(rows);
    let mut logits = Array2::zeros((block_rows, classes.len()));
    let mut logits_gradient = Array2::zeros(if wanted.is_some() { (block_rows, classes.len()) } else { (0, 0) });
    for first in (0..rows).step_by(block_rows) {
        let last = (first + block_rows).min(rows);
        let features = features.slice(s![first..last, ..]);
        let mut logits = logits.slice_mut(s![..last - first, ..]);
        occurring.logits(features, logits.view_mut());

        let scores = Scores::new(logits.view(), settings.temperature(), noise, settings.instructions());
        let temperature = outputs.gradients.as_mut().and_then(|out| out.temperature.as_mut());
        let gradients = wanted.map(|wanted| Gradients::<E::Accum> {
            logits: logits_gradient.slice_mut(s![..last - first, ..]),
            zeroed: false,
            temperature: temperature.map(|by_row| &mut by_row[first..last]),
            factors: &wanted.factors[first..last],
        });
        let mut block = Outputs { first: 0, losses: &mut outputs.losses[first..last], gradients };
        run_plan(&scores, &plan, first, &mut block).map_err(|error| explain(error, head, classes, first))?;

        if let Some(out) = &mut outputs.gradients {
            let mut logits_gradient = logits_gradient.slice_mut(s![..last - first, ..]);
            without_tiny(&mut logits_gradient);
            let logits_gradient = logits_gradient.view();
            // In double precision: the gradients of many rows may be nearly equal, and their rounding errors too.
            for gradient in logits_gradient.outer_iter() {
                bias_gradient.iter_mut().zip(gradient).for_each(|(sum, value)| *sum += value.as_f64());
            }
            occurring.spread(logits_gradient, features, first, out);
        }
    }
    if let Some(out) = &mut outputs.gradients {
        out.bias = head.bias.map(|_| bias_gradient.into_iter().map(E::Accum::of).collect());
    }
    Ok(outputs)
}

/// The weights and biases of the classes that occur, in the accumulating type.
struct Occurring<A> {
    /// Shape `[T, D]`.
    weights: Array2<A>,
    /// Shape `[T]`.
    bias: Option<Array1<A>>,
}

impl<A: Accum> Occurring<A> {
    fn gather<E: Element<Accum = A>>(head: Head<'_, E>, classes: &[u32]) -> Self {
        const AT_ONCE: usize = 64;
        let width = head.weights.ncols();
        let mut weights = Array2::zeros((classes.len(), width));
        let chunks = weights.axis_chunks_iter_mut(Axis(0), AT_ONCE).zip(classes.chunks(AT_ONCE));
        let threads = threads_for(classes.len() * width, WAKING, classes.len().div_ceil(AT_ONCE));
        for_each_part(threads, chunks, |(mut rows, classes)| {
            for (mut row, &class) in rows.outer_iter_mut().zip(classes) {
                row.zip_mut_with(&head.weights.row(class as usize), |out, value| *out = value.to_accum());
            }
        });
        let bias = head.bias.map(|bias| classes.iter().map(|&class| bias[class as usize].to_accum()).collect());
        Occurring { weights, bias }
    }

    /// `H V^T + b`
    fn logits(&self, features: ArrayView2<'_, A>, mut out: ArrayViewMut2<'_, A>) {
        if let Some(bias) = &self.bias {
            out.outer_iter_mut().for_each(|mut row| row.assign(bias));
        }
        product(out, self.bias.is_some(), features, self.weights.t());
    }

    /// Adds a block of rows to the gradients of features and weights, given the block's gradient of the logits.
    fn spread(
        &self,
        logits_gradient: ArrayView2<'_, A>,
        features: ArrayView2<'_, A>,
        first: usize,
        out: &mut HeadGradients<A>,
    ) {
        let features_gradient = out.features.slice_mut(s![first..first + features.nrows(), ..]);
        product(features_gradient, false, logits_gradient, self.weights.view());
        product(out.weights.view_mut(), first > 0, logits_gradient.t(), features);
    }
}

/// Sets values to zero whose products with values around 1 would be subnormal: with them the products of matrices take
/// many times as long on most processors, and the gradients do not change within their precision. They are the rule once
/// a head is sure of most rows.
fn without_tiny<A: Accum>(values: &mut ArrayViewMut2<'_, A>) {
    let least = A::min_positive_value() / A::epsilon();
    values.map_inplace(|value| {
        if value.abs() < least {
            *value = A::zero();
        }
    });
}

/// The features in the accumulating type; copied only if they are of another type.
fn widened<E: Element>(features: ArrayView2<'_, E>) -> CowArray<'_, E::Accum, Ix2> {
    if let Some(values) = features.to_slice().and_then(E::as_accum)
        && let Ok(view) = ArrayView2::from_shape(features.dim(), values)
    {
        return view.into();
    }
    features.map(|value| value.to_accum()).into()
}

/// Turns an error about a block of logits into one about the head's own arrays.
#[cold]
fn explain<E: Element>(error: Error, head: Head<'_, E>, classes: &[u32], first: usize) -> Error {
    let class_of = |line: usize| classes.get(line).map_or(line, |&class| class as usize);
    let first_bad = |values: ArrayView1<'_, E>| values.iter().position(|value| !value.as_f64().is_finite());
    let &[row, line] = error.index() else { return error };
    let (row, class) = (row + first, class_of(line));
    let named = |argument, index: Vec<usize>, value: E| Error::non_finite(argument, index, value.as_f64());
    if error.kind() == ErrorKind::NonFinite {
        if let Some(at) = first_bad(head.features.row(row)) {
            return named("features", vec![row, at], head.features[[row, at]]);
        }
        if let Some(at) = first_bad(head.weights.row(class)) {
            return named("weights", vec![class, at], head.weights[[class, at]]);
        }
        if let Some(bias) = head.bias.filter(|bias| !bias[class].as_f64().is_finite()) {
            return named("bias", vec![class], bias[class]);
        }
        // Finite factors whose product overflows.
    }
    error.at([row, class])
}
