//! Softmax regression: one linear layer on the flattened picture.

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::architecture::{Architecture, Body, NetworkKind};
use super::error::NetworkError;
use super::layers::{ForwardPass, Init, Linear};
use super::library::Library;
use super::size::LayerSize;
use crate::onnx::{Graph, Value};
use crate::ops::{self, OperationError};

/// Configuration of [`LinearNetwork`]; it has no keys.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinearConfig {}

/// Logits that are linear in the pixels; the parameters are those of `torch.nn.Linear`.
#[derive(Module, Debug)]
pub struct LinearNetwork {
    /// `[pixels, classes]`, the transpose of PyTorch's; pixels in the order of `[C, H, W]`.
    weight: Param<Tensor<2>>,
    /// `[classes]`.
    bias: Param<Tensor<1>>,
}

impl LinearConfig {
    /// Weight and bias from `U(-k, k)`, `k = 1 / sqrt(pixels)`: PyTorch's default.
    pub(super) fn init(&self, input: [usize; 3], classes: usize, init: &mut Init) -> LinearNetwork {
        let pixels = input.iter().product::<usize>();
        let bound = (1.0 / pixels.max(1) as f64).sqrt();
        LinearNetwork { weight: init.uniform(bound, [pixels, classes]), bias: init.uniform(bound, [classes]) }
    }
}

impl Architecture for LinearConfig {
    fn kind(&self) -> &'static NetworkKind {
        &LinearNetwork::KIND
    }

    fn check(&self, _: [usize; 3]) -> Result<(), NetworkError> {
        Ok(())
    }

    /// The layer keeps the pixels.
    fn head(&self, input: [usize; 3], classes: usize) -> Result<LayerSize, NetworkError> {
        let pixels = input.iter().product();
        Ok(LayerSize { parameters: Linear::count(pixels, classes), activations: pixels })
    }

    fn layers(&self, input: [usize; 3], classes: usize) -> Result<Vec<LayerSize>, NetworkError> {
        Ok(vec![self.head(input, classes)?])
    }

    fn python(&self, input: [usize; 3], classes: usize, _: Library) -> Result<Vec<String>, NetworkError> {
        let pixels: usize = input.iter().product();
        Ok(vec![
            format!("model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear({pixels}, {classes}))"),
            "model[1].load_state_dict(weights)".to_owned(),
        ])
    }

    fn describe(&self, input: [usize; 3], classes: usize) -> String {
        format!("softmax regression from {} pixel values to {classes} classes", input.iter().product::<usize>())
    }
}

impl LinearNetwork {
    pub(super) const KIND: NetworkKind = NetworkKind {
        name: "linear",
        title: "Softmax regression: one linear layer on the flattened picture",
        example: r#"{"kind": "linear"}"#,
    };
}

impl Body for LinearNetwork {
    fn forward(&self, pictures: Tensor<4>, _: &mut ForwardPass) -> Result<Tensor<2>, OperationError> {
        let pixels: Tensor<2> = pictures.flatten(1, 3);
        Ok(ops::linear(pixels.unsqueeze_dim(0), self.weight.val(), Some(self.bias.val()))?.squeeze_dim(0))
    }

    fn graph(&self, graph: &mut Graph, pictures: Value) -> Value {
        let pixels = graph.flatten(pictures);
        graph.linear_rows("", pixels)
    }

    fn layers(&self) -> usize {
        1
    }

    fn layer_of(&self, _: &str) -> Option<usize> {
        None
    }

    /// The whole network is its head.
    fn is_head(&self, name: &str) -> bool {
        ["weight", "bias"].contains(&name)
    }
}
