//! What a call of a loss returns.

use ndarray::{Array1, Array2};

use crate::{Element, LossValue};

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

impl<E: Element> LossAndGradient<E> {
    /// The gradient with respect to the temperature, where it was asked for: the sum of its parts.
    pub fn temperature_gradient_sum(&self) -> Option<f64> {
        self.temperature_gradient.as_ref().map(|parts| parts.sum())
    }
}

/// A loss whose gradient with respect to the logits went into the caller's memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation<A> {
    /// The loss.
    pub value: LossValue<A>,
    /// Each row's part of the gradient with respect to the temperature, where asked for; the gradient is their sum.
    /// Shape `[N]`.
    pub temperature_gradient: Option<Array1<f64>>,
}
