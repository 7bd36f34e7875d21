//! The basic block.

use burn::module::Module;
use burn::tensor::Tensor;

use super::plan::BlockPlan;
use super::shortcut::Shortcut;
use crate::models::layers::{BatchNorm, Convolution, ForwardPass, Init};
use crate::onnx::{Graph, Value};
use crate::ops::{OperationError, add_relu};

/// Two convolutions of kernel 3 beside a shortcut.
#[derive(Module, Debug)]
pub(super) struct BasicBlock {
    conv1: Convolution,
    bn1: BatchNorm,
    conv2: Convolution,
    bn2: BatchNorm,
    /// The projection, if the block changes the shape and its shortcut is a projection.
    downsample: Option<(Convolution, BatchNorm)>,
    stride: usize,
    outputs: usize,
}

impl BasicBlock {
    pub(super) fn new(plan: &BlockPlan, shortcut: Shortcut, zero_last: bool, init: &mut Init) -> BasicBlock {
        let BlockPlan { inputs, outputs, stride, .. } = *plan;
        let projects = shortcut == Shortcut::Projection && plan.changes();
        BasicBlock {
            conv1: Convolution::new(inputs, outputs, 3, stride, init),
            bn1: BatchNorm::new(outputs, init),
            conv2: Convolution::new(outputs, outputs, 3, 1, init),
            bn2: BatchNorm::scaled(outputs, if zero_last { 0.0 } else { 1.0 }, init),
            downsample: projects
                .then(|| (Convolution::new(inputs, outputs, 1, stride, init), BatchNorm::new(outputs, init))),
            stride,
            outputs,
        }
    }

    /// # Shapes
    /// `[N, inputs, H, W]` to `[N, outputs, ceil(H / stride), ceil(W / stride)]`.
    pub(super) fn forward(&self, input: Tensor<4>, pass: &mut ForwardPass) -> Result<Tensor<4>, OperationError> {
        let branch = self.bn1.forward_relu(self.conv1.forward(input.clone())?, pass)?;
        let branch = self.bn2.forward(self.conv2.forward(branch)?, pass)?;
        let shortcut = match &self.downsample {
            Some((convolution, norm)) => norm.forward(convolution.forward(input)?, pass)?,
            None => padded(input, self.outputs, self.stride),
        };
        add_relu(branch, shortcut)
    }

    /// The operations of [`BasicBlock::forward`] in evaluation, with the tensors below this name.
    pub(super) fn graph(&self, graph: &mut Graph, name: &str, input: Value) -> Value {
        let inputs = graph.shape(&format!("{name}.conv1.weight")).get(1).copied().unwrap_or_default();
        let branch = self.conv1.graph(graph, &format!("{name}.conv1"), input.clone());
        let branch = BatchNorm::graph(graph, &format!("{name}.bn1"), branch);
        let branch = graph.relu(branch);
        let branch = self.conv2.graph(graph, &format!("{name}.conv2"), branch);
        let branch = BatchNorm::graph(graph, &format!("{name}.bn2"), branch);
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

    pub(super) fn batch_norms(&mut self, prefix: &str) -> Vec<(String, &mut BatchNorm)> {
        let mut norms = vec![(format!("{prefix}.bn1"), &mut self.bn1), (format!("{prefix}.bn2"), &mut self.bn2)];
        norms.extend(self.downsample.as_mut().map(|(_, norm)| (format!("{prefix}.downsample.1"), norm)));
        norms
    }
}

/// The input itself if the block keeps the shape; else every `stride`-th pixel, with channels of zeros before and
/// after.
fn padded(input: Tensor<4>, outputs: usize, stride: usize) -> Tensor<4> {
    let inputs = input.dims()[1];
    let sampled = if stride > 1 { every(every(input, 2, stride), 3, stride) } else { input };
    if inputs == outputs {
        return sampled;
    }
    let [rows, _, height, width] = sampled.dims();
    let device = sampled.device();
    let zeros = |channels| Tensor::zeros([rows, channels, height, width], &device);
    let before = (outputs - inputs) / 2;
    Tensor::cat(vec![zeros(before), sampled, zeros(outputs - inputs - before)], 1)
}

/// Every `stride`-th entry of an axis, starting with the first.
fn every(input: Tensor<4>, axis: usize, stride: usize) -> Tensor<4> {
    let length = input.dims()[axis];
    let device = input.device();
    input.select(axis, Tensor::arange_step(0..length as i64, stride, &device))
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;

    #[test]
    fn padding_takes_every_second_pixel_between_channels_of_zeros() {
        let values: Vec<f32> = (1..=15).map(|value| value as f32).collect();
        let input = Tensor::from_data(TensorData::new(values, [1, 1, 3, 5]), &Device::flex());
        let output = padded(input, 3, 2);
        assert_eq!(output.dims(), [1, 3, 2, 3]);
        let mut expected = vec![0.0; 6];
        expected.extend([1.0, 3.0, 5.0, 11.0, 13.0, 15.0]);
        expected.extend([0.0; 6]);
        assert_eq!(output.try_to_vec_as::<f32>().unwrap(), expected);
    }
}
