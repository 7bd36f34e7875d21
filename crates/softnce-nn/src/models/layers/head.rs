//! Classification heads.

use burn::module::Module;
use burn::tensor::Tensor;
use burn::tensor::activation::relu;
use serde::{Deserialize, Serialize};

use super::{BatchNorm, ForwardPass, Init, Linear};
use crate::models::size::LayerSize;
use crate::onnx::{Graph, Value};
use crate::ops::OperationError;

/// Kind of a classification head.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HeadKind {
    /// One linear layer.
    #[default]
    Linear,
    /// Three linear layers, the first two followed by batch normalisation and ReLU.
    Mlp,
}

/// Sizes and initial weights of a head.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HeadConfig {
    pub(crate) kind: HeadKind,
    /// Width of the features.
    pub(crate) inputs: usize,
    /// Width of the hidden layers of the MLP.
    pub(crate) hidden: usize,
    pub(crate) classes: usize,
    /// Standard deviation of the last layer's weight; `None`: PyTorch's default for linear layers.
    pub(crate) std: Option<f64>,
}

/// Standard deviation of the weights of the MLP's hidden layers. The normalisation after them removes their scale.
const HIDDEN_STD: f64 = 0.02;

impl HeadConfig {
    pub(crate) fn init(&self, init: &mut Init) -> ClassifierHead {
        let HeadConfig { kind, inputs, hidden, classes, std } = *self;
        let last = |inputs, init: &mut Init| match std {
            Some(std) => Linear::truncated(inputs, classes, std, true, init),
            None => Linear::uniform(inputs, classes, init),
        };
        match kind {
            HeadKind::Linear => ClassifierHead::Linear(last(inputs, init)),
            HeadKind::Mlp => ClassifierHead::Mlp(MlpHead {
                fc1: Linear::truncated(inputs, hidden, HIDDEN_STD, true, init),
                bn1: BatchNorm::new(hidden, init),
                fc2: Linear::truncated(hidden, hidden, HIDDEN_STD, true, init),
                bn2: BatchNorm::new(hidden, init),
                fc3: last(hidden, init),
            }),
        }
    }

    /// Lines of Python that put the head in place, if it is not one linear layer.
    pub(crate) fn in_python(&self, place: &str) -> Vec<String> {
        let HeadConfig { kind, inputs, hidden, classes, .. } = *self;
        if kind == HeadKind::Linear {
            return Vec::new();
        }
        let block = |number: usize, inputs: usize| {
            format!(
                "    fc{number}=torch.nn.Linear({inputs}, {hidden}), bn{number}=torch.nn.BatchNorm1d({hidden}), \
                 relu{number}=torch.nn.ReLU(),"
            )
        };
        vec![
            format!("{place} = torch.nn.Sequential(collections.OrderedDict("),
            block(1, inputs),
            block(2, hidden),
            format!("    fc3=torch.nn.Linear({hidden}, {classes})))"),
        ]
    }

    pub(crate) fn size(&self) -> LayerSize {
        let HeadConfig { kind, inputs, hidden, classes, .. } = *self;
        match kind {
            HeadKind::Linear => LayerSize { parameters: Linear::count(inputs, classes), activations: inputs },
            HeadKind::Mlp => LayerSize {
                parameters: Linear::count(inputs, hidden)
                    + Linear::count(hidden, hidden)
                    + Linear::count(hidden, classes)
                    + 4 * hidden,
                activations: inputs + 6 * hidden,
            },
        }
    }
}

/// A classification head.
#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant, reason = "a network has one head, and Burn takes no box for a module")]
pub(crate) enum ClassifierHead {
    Linear(Linear),
    Mlp(MlpHead),
}

/// Twice linear, batch normalisation and ReLU, then linear.
#[derive(Module, Debug)]
pub(crate) struct MlpHead {
    fc1: Linear,
    bn1: BatchNorm,
    fc2: Linear,
    bn2: BatchNorm,
    fc3: Linear,
}

impl ClassifierHead {
    /// # Shapes
    /// `[N, inputs]` to `[N, classes]`.
    pub(crate) fn forward(&self, features: Tensor<2>, pass: &mut ForwardPass) -> Result<Tensor<2>, OperationError> {
        match self {
            ClassifierHead::Linear(linear) => linear.forward_rows(features),
            ClassifierHead::Mlp(MlpHead { fc1, bn1, fc2, bn2, fc3 }) => {
                let hidden = relu(bn1.forward_rows(fc1.forward_rows(features)?, pass)?);
                let hidden = relu(bn2.forward_rows(fc2.forward_rows(hidden)?, pass)?);
                fc3.forward_rows(hidden)
            }
        }
    }

    /// The same with the tensors below this name.
    pub(crate) fn graph(&self, graph: &mut Graph, name: &str, features: Value) -> Value {
        match self {
            ClassifierHead::Linear(_) => graph.linear_rows(name, features),
            ClassifierHead::Mlp(_) => {
                let hidden = [1, 2].into_iter().fold(features, |values, number| {
                    let values = graph.linear_rows(&format!("{name}.fc{number}"), values);
                    let values = BatchNorm::graph(graph, &format!("{name}.bn{number}"), values);
                    graph.relu(values)
                });
                graph.linear_rows(&format!("{name}.fc3"), hidden)
            }
        }
    }

    /// The batch normalisations in the order of the forward pass, with their names below `prefix`.
    pub(crate) fn batch_norms(&mut self, prefix: &str) -> Vec<(String, &mut BatchNorm)> {
        match self {
            ClassifierHead::Linear(_) => Vec::new(),
            ClassifierHead::Mlp(MlpHead { bn1, bn2, .. }) => {
                vec![(format!("{prefix}.bn1"), bn1), (format!("{prefix}.bn2"), bn2)]
            }
        }
    }
}
