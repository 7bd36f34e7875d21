//! A convolution without bias.

use burn::module::{Module, Param};
use burn::tensor::Tensor;

use super::Init;
use crate::onnx::{Graph, Value};
use crate::ops::{self, OperationError};

/// A square convolution without bias.
#[derive(Module, Debug)]
pub(crate) struct Convolution {
    /// `[outputs, inputs, k, k]`, as in PyTorch.
    weight: Param<Tensor<4>>,
    stride: usize,
    padding: usize,
}

impl Convolution {
    /// Weight from `N(0, 2 / (k^2 outputs))` (He et al., arXiv 1502.01852, fan-out). The padding keeps the size at
    /// stride 1.
    pub(crate) fn new(inputs: usize, outputs: usize, kernel: usize, stride: usize, init: &mut Init) -> Convolution {
        let std = (2.0 / (kernel * kernel * outputs).max(1) as f64).sqrt();
        Convolution { weight: init.normal(std, [outputs, inputs, kernel, kernel]), stride, padding: kernel / 2 }
    }

    /// # Shapes
    /// `[N, inputs, H, W]` to `[N, outputs, ceil(H / stride), ceil(W / stride)]`.
    pub(crate) fn forward(&self, input: Tensor<4>) -> Result<Tensor<4>, OperationError> {
        ops::conv2d(input, self.weight.val(), self.stride, self.padding)
    }

    /// The same with the tensors below this name.
    pub(crate) fn graph(&self, graph: &mut Graph, name: &str, input: Value) -> Value {
        graph.convolution(name, input, self.stride, self.padding)
    }
}
