//! A multilayer perceptron.

use burn::module::Module;
use burn::tensor::Tensor;
use burn::tensor::activation::relu;
use serde::{Deserialize, Serialize};

use super::architecture::{Architecture, Body, NetworkKind, number_after};
use super::error::{NetworkError, between};
use super::freeze::Freeze;
use super::layers::{ForwardPass, Init, Linear};
use super::library::Library;
use super::size::LayerSize;
use crate::onnx::{Graph, Value};
use crate::ops::OperationError;

/// Configuration of [`Mlp`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MlpConfig {
    /// Widths of the hidden layers.
    #[serde(default)]
    pub hidden: Vec<usize>,
    /// Layers that keep their weights in training. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub freeze: Option<Freeze>,
}

/// Linear layers with ReLU between them, on the flattened picture.
#[derive(Module, Debug)]
pub struct Mlp {
    layers: Vec<Linear>,
}

impl MlpConfig {
    /// Widths of the layers, from the pixels to the classes.
    fn widths(&self, input: [usize; 3], classes: usize) -> Vec<usize> {
        let pixels = input.iter().product();
        std::iter::once(pixels).chain(self.hidden.iter().copied()).chain([classes]).collect()
    }

    pub(super) fn init(&self, input: [usize; 3], classes: usize, init: &mut Init) -> Mlp {
        let widths = self.widths(input, classes);
        Mlp { layers: widths.windows(2).map(|pair| Linear::uniform(pair[0], pair[1], init)).collect() }
    }
}

impl Architecture for MlpConfig {
    fn kind(&self) -> &'static NetworkKind {
        &Mlp::KIND
    }

    fn check(&self, _: [usize; 3]) -> Result<(), NetworkError> {
        between("number of hidden layers", self.hidden.len(), 0, 1000)?;
        self.hidden.iter().try_for_each(|&width| between("hidden", width, 1, 1 << 16))
    }

    /// Each layer keeps its input, and but for the first that of the ReLU before it.
    fn layers(&self, input: [usize; 3], classes: usize) -> Result<Vec<LayerSize>, NetworkError> {
        let widths = self.widths(input, classes);
        let layer = |(number, pair): (usize, &[usize])| LayerSize {
            parameters: Linear::count(pair[0], pair[1]),
            activations: pair[0] * if number == 0 { 1 } else { 2 },
        };
        Ok(widths.windows(2).enumerate().map(layer).collect())
    }

    fn head(&self, input: [usize; 3], classes: usize) -> Result<LayerSize, NetworkError> {
        Ok(self.layers(input, classes)?.pop().unwrap_or_default())
    }

    fn freeze(&self) -> Option<Freeze> {
        self.freeze
    }

    fn python(&self, input: [usize; 3], classes: usize, _: Library) -> Result<Vec<String>, NetworkError> {
        let widths = self.widths(input, classes);
        Ok(vec![
            format!("widths = {widths:?}"),
            "layers = torch.nn.ModuleList(torch.nn.Linear(a, b) for a, b in zip(widths, widths[1:]))".to_owned(),
            "torch.nn.ModuleDict({\"layers\": layers}).load_state_dict(weights)".to_owned(),
            "steps = [step for layer in layers for step in (layer, torch.nn.ReLU())][:-1]".to_owned(),
            "model = torch.nn.Sequential(torch.nn.Flatten(), *steps)".to_owned(),
        ])
    }

    fn describe(&self, input: [usize; 3], classes: usize) -> String {
        let widths: Vec<String> = self.widths(input, classes).iter().map(usize::to_string).collect();
        format!("multilayer perceptron of widths {} with ReLU", widths.join("-"))
    }
}

impl Mlp {
    pub(super) const KIND: NetworkKind = NetworkKind {
        name: "mlp",
        title: "Multilayer perceptron on the flattened picture",
        example: r#"{"kind": "mlp", "hidden": [10, 7]}"#,
    };
}

impl Body for Mlp {
    fn forward(&self, pictures: Tensor<4>, _: &mut ForwardPass) -> Result<Tensor<2>, OperationError> {
        let last = self.layers.len().saturating_sub(1);
        let pixels: Tensor<2> = pictures.flatten(1, 3);
        self.layers.iter().enumerate().try_fold(pixels, |values, (number, layer)| {
            let values = layer.forward_rows(values)?;
            Ok(if number < last { relu(values) } else { values })
        })
    }

    fn graph(&self, graph: &mut Graph, pictures: Value) -> Value {
        let last = self.layers.len().saturating_sub(1);
        let pixels = graph.flatten(pictures);
        (0..self.layers.len()).fold(pixels, |values, number| {
            let values = graph.linear_rows(&format!("layers.{number}"), values);
            if number < last { graph.relu(values) } else { values }
        })
    }

    fn layers(&self) -> usize {
        self.layers.len()
    }

    fn layer_of(&self, name: &str) -> Option<usize> {
        number_after("layers", name)
    }

    fn is_head(&self, name: &str) -> bool {
        self.layer_of(name).is_some_and(|layer| layer.saturating_add(1) >= self.layers())
    }
}
