//! A residual block.

use burn::module::Module;
use burn::tensor::Tensor;

use super::plan::{BlockPlan, ConvolutionPlan};
use super::shortcut::{Shortcut, padded};
use crate::models::layers::{BatchNorm, Convolution, ForwardPass, Init};
use crate::onnx::{Graph, Value};
use crate::ops::{OperationError, add_relu};

/// Two convolutions, or the three of a bottleneck, beside a shortcut.
#[derive(Module, Debug)]
pub(super) struct Block {
    conv1: Convolution,
    bn1: BatchNorm,
    conv2: Convolution,
    bn2: BatchNorm,
    conv3: Option<Convolution>,
    bn3: Option<BatchNorm>,
    /// The projection, if the block changes the shape and its shortcut is a projection.
    downsample: Option<(Convolution, BatchNorm)>,
    stride: usize,
    outputs: usize,
}

impl Block {
    pub(super) fn new(plan: &BlockPlan, shortcut: Shortcut, zero_last: bool, init: &mut Init) -> Block {
        let (first, second, third) = plan.convolutions();
        let projection = (shortcut == Shortcut::Projection && plan.changes()).then(|| plan.projection());
        let last = if zero_last { 0.0 } else { 1.0 };
        Block {
            conv1: convolution(first, init),
            bn1: BatchNorm::new(first.outputs, init),
            conv2: convolution(second, init),
            bn2: BatchNorm::scaled(second.outputs, if third.is_none() { last } else { 1.0 }, init),
            conv3: third.map(|third| convolution(third, init)),
            bn3: third.map(|third| BatchNorm::scaled(third.outputs, last, init)),
            downsample: projection.map(|plan| (convolution(plan, init), BatchNorm::new(plan.outputs, init))),
            stride: plan.stride,
            outputs: plan.outputs,
        }
    }

    /// # Shapes
    /// `[N, inputs, H, W]` to `[N, outputs, ceil(H / stride), ceil(W / stride)]`.
    pub(super) fn forward(&self, input: Tensor<4>, pass: &mut ForwardPass) -> Result<Tensor<4>, OperationError> {
        let branch = self.bn1.forward_relu(self.conv1.forward(input.clone())?, pass)?;
        let branch = self.conv2.forward(branch)?;
        let branch = match (&self.conv3, &self.bn3) {
            (Some(conv3), Some(bn3)) => bn3.forward(conv3.forward(self.bn2.forward_relu(branch, pass)?)?, pass)?,
            _ => self.bn2.forward(branch, pass)?,
        };
        let shortcut = match &self.downsample {
            Some((convolution, norm)) => norm.forward(convolution.forward(input)?, pass)?,
            None => padded(input, self.outputs, self.stride),
        };
        add_relu(branch, shortcut)
    }

    /// The operations of [`Block::forward`] in evaluation, with the tensors below this name.
    pub(super) fn graph(&self, graph: &mut Graph, name: &str, input: Value) -> Value {
        let inputs = graph.shape(&format!("{name}.conv1.weight")).get(1).copied().unwrap_or_default();
        let convolutions = [Some(&self.conv1), Some(&self.conv2), self.conv3.as_ref()].into_iter().flatten();
        let mut branch = input.clone();
        for (number, convolution) in (1..).zip(convolutions) {
            if number > 1 {
                branch = graph.relu(branch);
            }
            branch = convolution.graph(graph, &format!("{name}.conv{number}"), branch);
            branch = BatchNorm::graph(graph, &format!("{name}.bn{number}"), branch);
        }
        let shortcut = match &self.downsample {
            Some((convolution, _)) => {
                let projected = convolution.graph(graph, &format!("{name}.downsample.0"), input);
                BatchNorm::graph(graph, &format!("{name}.downsample.1"), projected)
            }
            None => graph.padded(input, self.stride, self.outputs.saturating_sub(inputs)),
        };
        let sum = graph.add(branch, shortcut);
        graph.relu(sum)
    }

    /// The batch normalisations in the order of the forward pass, with their names below `prefix`.
    pub(super) fn batch_norms(&mut self, prefix: &str) -> Vec<(String, &mut BatchNorm)> {
        let norms = [
            ("bn1", Some(&mut self.bn1)),
            ("bn2", Some(&mut self.bn2)),
            ("bn3", self.bn3.as_mut()),
            ("downsample.1", self.downsample.as_mut().map(|(_, norm)| norm)),
        ];
        norms.into_iter().filter_map(|(name, norm)| Some((format!("{prefix}.{name}"), norm?))).collect()
    }
}

/// The convolution of a plan.
pub(super) fn convolution(plan: ConvolutionPlan, init: &mut Init) -> Convolution {
    Convolution::new(plan.inputs, plan.outputs, plan.kernel, plan.stride, init)
}
