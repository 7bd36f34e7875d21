//! Layer normalisation.

use burn::module::{Module, Param};
use burn::tensor::Tensor;

use super::Init;
use crate::onnx::{Graph, Value};
use crate::ops::{self, OperationError};

/// Layer normalisation over the last axis.
#[derive(Module, Debug)]
pub(crate) struct LayerNorm {
    weight: Param<Tensor<1>>,
    bias: Param<Tensor<1>>,
    epsilon: f64,
}

impl LayerNorm {
    pub(crate) fn new(width: usize, epsilon: f64, init: &mut Init) -> LayerNorm {
        LayerNorm { weight: init.constant(1.0, [width]), bias: init.constant(0.0, [width]), epsilon }
    }

    /// # Shapes
    /// `[N, L, width]`, the result the same.
    pub(crate) fn forward(&self, input: Tensor<3>) -> Result<Tensor<3>, OperationError> {
        ops::layer_norm(input, self.weight.val(), self.bias.val(), self.epsilon)
    }

    /// The same with the tensors below this name.
    pub(crate) fn graph(&self, graph: &mut Graph, name: &str, input: Value) -> Value {
        graph.layer_norm(name, input, self.epsilon)
    }
}
