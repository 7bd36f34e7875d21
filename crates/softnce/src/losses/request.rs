//! What to compute besides the loss.

use ndarray::{ArrayView1, ArrayViewMut2};

/// What to compute besides the gradient with respect to the logits, and from which upstream gradient.
#[derive(Debug, Clone, Default)]
pub struct GradientRequest<'a> {
    pub(super) upstream: Option<ArrayView1<'a, f64>>,
    pub(super) temperature: bool,
}

impl<'a> GradientRequest<'a> {
    /// The gradient with respect to the logits, from an upstream gradient of 1.
    pub fn new() -> Self {
        GradientRequest::default()
    }

    /// The gradient of what comes after the loss with respect to the loss.
    ///
    /// # Shapes
    /// `upstream`: `[N]` under reduction none, else `[1]`.
    #[must_use]
    pub fn with_upstream(mut self, upstream: impl Into<ArrayView1<'a, f64>>) -> Self {
        self.upstream = Some(upstream.into());
        self
    }

    /// Also the gradient with respect to the temperature.
    #[must_use]
    pub fn with_temperature_gradient(mut self) -> Self {
        self.temperature = true;
        self
    }
}

/// Gradients that are wanted, and where those with respect to the logits go.
#[derive(Debug)]
pub(super) struct Wanted<'w, 'r, G> {
    pub(super) request: &'w GradientRequest<'r>,
    /// Shape `[N, d]`.
    pub(super) logits: ArrayViewMut2<'w, G>,
    /// Whether they are all 0 so far.
    pub(super) zeroed: bool,
}
