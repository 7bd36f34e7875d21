//! The result of a call, and the memory that it may write over.

use ndarray::{Array2, ArrayView2};
use softnce::{HeadLossAndGradient, LossAndGradient};

use crate::{Case, Path};

/// Memory that calls write their results over, as a training loop keeps it from step to step.
#[derive(Debug)]
pub struct Kept {
    /// Shape `[N, d]`; `None` if every call takes new memory or there are no logits.
    pub(super) gradient: Option<Array2<f32>>,
    /// The first of two products. Shape `[N, M]`.
    pub(super) scores: Option<Array2<f32>>,
}

/// The result of a call.
#[derive(Debug)]
pub enum Output {
    /// The result stands in the memory that was kept for it; the loss, where it is one.
    Kept(Option<f32>),
    /// A loss with its gradient in new memory.
    Loss(LossAndGradient<f32>),
    /// A loss with its gradients by a linear head.
    Head(HeadLossAndGradient<f32>),
    /// Two matrix products. Shapes `[N, M]` and `[N, d]`.
    Products(Array2<f32>, Array2<f32>),
    /// Shape `[N, d]`.
    Copy(Array2<f32>),
}

impl Kept {
    /// Memory for what these paths compute at a case; `None` if every call is to take new memory.
    pub fn new(case: Case, paths: &[Path], fresh_memory: bool) -> Self {
        let given = !fresh_memory && case.features.is_none();
        Kept {
            gradient: given.then(|| Array2::zeros((case.rows, case.classes))),
            scores: (given && paths.contains(&Path::Products)).then(|| Array2::zeros((case.rows, case.candidates))),
        }
    }
}

impl Output {
    /// The loss, where one was computed.
    pub fn loss(&self) -> Option<f64> {
        match self {
            Output::Kept(loss) => loss.map(f64::from),
            Output::Loss(out) => out.value.scalar().map(f64::from),
            Output::Head(out) => out.value.scalar().map(f64::from),
            Output::Products(..) | Output::Copy(_) => None,
        }
    }

    /// The gradient with respect to the logits, where one was computed; in the kept memory if the call had any.
    pub fn logits_gradient<'o>(&'o self, kept: &'o Kept) -> Option<ArrayView2<'o, f32>> {
        match self {
            Output::Kept(Some(_)) => kept.gradient.as_ref().map(|gradient| gradient.view()),
            Output::Loss(out) => Some(out.logits_gradient.view()),
            _ => None,
        }
    }

    /// Bytes of the arrays that are given back.
    pub fn bytes(&self) -> u64 {
        let entries = match self {
            Output::Kept(_) => 0,
            Output::Loss(out) => out.logits_gradient.len(),
            Output::Head(out) => out.features_gradient.len() + out.weights_gradient.len() + out.class_indices.len(),
            Output::Products(scores, weighed) => scores.len() + weighed.len(),
            Output::Copy(copy) => copy.len(),
        };
        (entries * size_of::<f32>()) as u64
    }
}
