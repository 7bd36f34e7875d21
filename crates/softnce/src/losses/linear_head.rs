//! A linear head; the loss on it, and the gradients with respect to features, weights and bias.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, s};

use super::call::Checked;
use super::loss::Loss;
use super::request::GradientRequest;
use crate::paths::{Head, HeadWanted, head};
use crate::{Accum, Batch, Element, Error, LossValue};

/// A linear head: features, and a row of weights for each class. Its logits `Z = H V^T + b` are never formed.
#[derive(Debug, Clone, Copy)]
pub struct LinearHead<'a, E> {
    head: Head<'a, E>,
}

impl<'a, E: Element> LinearHead<'a, E> {
    /// A head without bias.
    ///
    /// # Shapes
    /// `features` H: `[N, D]`; `weights` V: `[d, D]`, a row for each class; contiguous or not.
    ///
    /// # Errors
    /// Arrays without rows or columns; widths that differ.
    pub fn new(features: impl Into<ArrayView2<'a, E>>, weights: impl Into<ArrayView2<'a, E>>) -> Result<Self, Error> {
        let (features, weights) = (features.into(), weights.into());
        for (argument, array) in [("features", features), ("weights", weights)] {
            if array.is_empty() {
                return Err(Error::empty(argument, array.shape()));
            }
        }
        if weights.ncols() != features.ncols() {
            let expected = format!("[d, {}], as wide as the features", features.ncols());
            return Err(Error::shape("weights", weights.shape(), expected));
        }
        Ok(LinearHead { head: Head { features, weights, bias: None } })
    }

    /// Adds a bias.
    ///
    /// # Shapes
    /// `bias` b: `[d]`.
    ///
    /// # Errors
    /// A bias of another length.
    pub fn with_bias(mut self, bias: impl Into<ArrayView1<'a, E>>) -> Result<Self, Error> {
        let bias = bias.into();
        if bias.len() != self.classes() {
            let expected = format!("[{}], one for each class", self.classes());
            return Err(Error::shape("bias", &[bias.len()], expected));
        }
        self.head.bias = Some(bias);
        Ok(self)
    }

    /// Number of rows N.
    pub fn rows(&self) -> usize {
        self.head.features.nrows()
    }

    /// Number of classes d.
    pub fn classes(&self) -> usize {
        self.head.weights.nrows()
    }
}

/// A loss with its gradients by a linear head. T is the number of classes that occur.
#[derive(Debug, Clone, PartialEq)]
pub struct HeadLossAndGradient<E: Element> {
    /// The loss.
    pub value: LossValue<E::Accum>,
    /// The indices of the classes that the candidates weigh, in ascending order; the gradients of all others are 0.
    /// Shape `[T]`.
    pub class_indices: Array1<u32>,
    /// Gradient with respect to the features. Shape `[N, D]`.
    pub features_gradient: Array2<E>,
    /// Gradient with respect to the weights of these classes. Shape `[T, D]`.
    pub weights_gradient: Array2<E>,
    /// Gradient with respect to the biases of these classes, where there is a bias. Shape `[T]`.
    pub bias_gradient: Option<Array1<E>>,
    /// Each row's part of the gradient with respect to the temperature, where asked for; the gradient is their sum.
    /// Shape `[N]`.
    pub temperature_gradient: Option<Array1<f64>>,
}

/// The classes of the logits' columns: those that occur, and some of them once more where rows would lie a multiple of a
/// page apart, for then their entries compete for the same places in the cache. Nothing weighs a column that stands
/// behind another of its class.
fn columns<A: Accum>(classes: &[u32]) -> Vec<u32> {
    const PAGE: usize = 4096;
    let mut columns = classes.to_vec();
    if (classes.len() * size_of::<A>()).is_multiple_of(PAGE) {
        columns.extend(std::iter::repeat_n(classes.last().copied().unwrap_or(0), 64 / size_of::<A>()));
    }
    columns
}

/// The loss of a head and, on request, its gradients in the type G.
pub(super) fn evaluate<E: Element, G: Element<Accum = E::Accum>>(
    loss: &(impl Loss + ?Sized),
    given: &LinearHead<'_, E>,
    batch: &Batch<'_>,
    request: Option<&GradientRequest<'_>>,
) -> Result<HeadLossAndGradient<G>, Error> {
    let (kind, settings) = (loss.kind(), loss.settings());
    if !kind.is_contrastive() {
        return Err(kind.no_head());
    }
    let batch = batch.for_loss(kind)?;
    let shape = (given.rows(), given.classes());
    let rows = Checked::new::<E::Accum>(kind, settings, shape, &batch, request)?;
    let (batch, classes) = batch.over_occurring_classes::<E::Accum>()?;
    let columns = columns::<E::Accum>(&classes);
    let noise = settings.noise().over_classes(&columns)?;
    let wanted = request.map(|request| HeadWanted { factors: &rows.factors, temperature: request.temperature });
    let out = head(given.head, &columns, &batch, &rows.positives, settings, &noise, wanted)?;
    let value = rows.reduce(out.losses)?;
    let occurring = classes.len();
    let mut result = HeadLossAndGradient {
        value,
        class_indices: Array1::from_vec(classes),
        features_gradient: Array2::default((0, 0)),
        weights_gradient: Array2::default((0, 0)),
        bias_gradient: None,
        temperature_gradient: None,
    };
    if let Some(mut gradients) = out.gradients {
        gradients.weights.slice_collapse(s![..occurring, ..]);
        if let Some(bias) = &mut gradients.bias {
            bias.slice_collapse(s![..occurring]);
        }
        result.features_gradient = gradients.features.mapv_into_any(G::from_accum);
        result.weights_gradient = gradients.weights.mapv_into_any(G::from_accum);
        result.bias_gradient = gradients.bias.map(|bias| bias.mapv_into_any(G::from_accum));
        result.temperature_gradient = gradients.temperature.map(Array1::from_vec);
    }
    Ok(result)
}
