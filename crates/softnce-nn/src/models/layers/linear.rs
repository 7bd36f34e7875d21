//! A linear layer.

use burn::module::{Module, Param};
use burn::tensor::Tensor;

use super::Init;
use crate::ops::{self, OperationError};

/// `x W + bias`.
#[derive(Module, Debug)]
pub(crate) struct Linear {
    /// `[inputs, outputs]`, the transpose of PyTorch's.
    weight: Param<Tensor<2>>,
    /// `[outputs]`.
    bias: Option<Param<Tensor<1>>>,
}

impl Linear {
    /// Weight from the normal distribution of this standard deviation (see [`Init::truncated`]), bias 0.
    pub(crate) fn truncated(inputs: usize, outputs: usize, std: f64, bias: bool, init: &mut Init) -> Linear {
        let weight = init.truncated(std, [inputs, outputs]);
        Linear { weight, bias: bias.then(|| init.constant(0.0, [outputs])) }
    }

    /// Weight and bias from `U(-k, k)`, `k = 1 / sqrt(inputs)`: PyTorch's default for linear layers and convolutions.
    pub(crate) fn uniform(inputs: usize, outputs: usize, init: &mut Init) -> Linear {
        let bound = (1.0 / inputs.max(1) as f64).sqrt();
        let weight = init.uniform(bound, [inputs, outputs]);
        Linear { weight, bias: Some(init.uniform(bound, [outputs])) }
    }

    /// Number of outputs.
    pub(crate) fn outputs(&self) -> usize {
        self.weight.lazy_shape().dims::<2>()[1]
    }

    /// Number of weights and biases.
    pub(crate) fn count(inputs: usize, outputs: usize) -> usize {
        (inputs + 1) * outputs
    }

    /// # Shapes
    /// `[N, L, inputs]` to `[N, L, outputs]`.
    pub(crate) fn forward(&self, input: Tensor<3>) -> Result<Tensor<3>, OperationError> {
        ops::linear(input, self.weight.val(), self.bias.as_ref().map(Param::val))
    }

    /// # Shapes
    /// `[N, inputs]` to `[N, outputs]`.
    pub(crate) fn forward_rows(&self, input: Tensor<2>) -> Result<Tensor<2>, OperationError> {
        Ok(self.forward(input.unsqueeze_dim(0))?.squeeze_dim(0))
    }
}
