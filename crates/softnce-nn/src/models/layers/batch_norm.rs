//! Batch normalisation with running statistics.

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use burn::tensor::activation::relu;

use super::{ForwardPass, Init};
use crate::models::running::{BatchStatistics, Running};
use crate::onnx::{Graph, Value};
use crate::ops::{self, Normalised, OperationError};

/// Added to the variance, as PyTorch's default.
const EPSILON: f64 = 1e-5;
/// Weight of a new batch in the running statistics, as PyTorch's default.
const MOMENTUM: f64 = 0.1;

/// An operation that returns its result and the batch's mean and variance.
type Normalise = fn(Tensor<4>, Tensor<1>, Tensor<1>, f64) -> Result<Normalised, OperationError>;

/// Batch normalisation of channels. The running statistics are plain tensors, which Burn's visitors skip: they are not
/// parameters, and replacing one does not change clones.
#[derive(Module, Debug)]
pub(crate) struct BatchNorm {
    weight: Param<Tensor<1>>,
    bias: Param<Tensor<1>>,
    running_mean: Tensor<1>,
    running_variance: Tensor<1>,
    /// Whether training, too, uses the running statistics and leaves them as they are.
    frozen: bool,
}

impl BatchNorm {
    pub(crate) fn new(channels: usize, init: &mut Init) -> BatchNorm {
        BatchNorm::scaled(channels, 1.0, init)
    }

    /// With this initial scale in each channel.
    pub(crate) fn scaled(channels: usize, scale: f32, init: &mut Init) -> BatchNorm {
        BatchNorm {
            weight: init.constant(scale, [channels]),
            bias: init.constant(0.0, [channels]),
            running_mean: Tensor::zeros([channels], init.device),
            running_variance: Tensor::ones([channels], init.device),
            frozen: false,
        }
    }

    /// # Shapes
    /// `[N, C, H, W]`, the result the same.
    pub(crate) fn forward(&self, input: Tensor<4>, pass: &mut ForwardPass) -> Result<Tensor<4>, OperationError> {
        match pass {
            ForwardPass::Training { .. } if !self.frozen => self.with_batch(input, pass, ops::batch_norm),
            _ => Ok(self.with_running(input)),
        }
    }

    /// The same followed by ReLU.
    ///
    /// # Shapes
    /// `[N, C, H, W]`, the result the same.
    pub(crate) fn forward_relu(&self, input: Tensor<4>, pass: &mut ForwardPass) -> Result<Tensor<4>, OperationError> {
        match pass {
            ForwardPass::Training { .. } if !self.frozen => self.with_batch(input, pass, ops::batch_norm_relu),
            _ => Ok(relu(self.with_running(input))),
        }
    }

    fn with_batch(
        &self,
        input: Tensor<4>,
        pass: &mut ForwardPass,
        normalise: Normalise,
    ) -> Result<Tensor<4>, OperationError> {
        let [rows, _, height, width] = input.dims();
        let (output, mean, variance) = normalise(input, self.weight.val(), self.bias.val(), EPSILON)?;
        pass.collect(BatchStatistics { mean, variance, count: rows * height * width });
        Ok(output)
    }

    /// # Shapes
    /// `[N, C]`, the result the same.
    pub(crate) fn forward_rows(&self, input: Tensor<2>, pass: &mut ForwardPass) -> Result<Tensor<2>, OperationError> {
        let [rows, channels] = input.dims();
        Ok(self.forward(input.reshape([rows, channels, 1, 1]), pass)?.reshape([rows, channels]))
    }

    fn with_running(&self, input: Tensor<4>) -> Tensor<4> {
        let channels = self.channels();
        let scale = self.weight.val() / (self.running_variance.clone() + EPSILON).sqrt();
        let shift = self.bias.val() - self.running_mean.clone() * scale.clone();
        input * scale.reshape([1, channels, 1, 1]) + shift.reshape([1, channels, 1, 1])
    }

    /// The normalisation of this name with its running statistics.
    pub(crate) fn graph(graph: &mut Graph, name: &str, input: Value) -> Value {
        graph.batch_norm(name, input, EPSILON)
    }

    pub(crate) fn channels(&self) -> usize {
        self.running_mean.dims()[0]
    }

    pub(crate) fn frozen(&self) -> bool {
        self.frozen
    }

    pub(crate) fn set_frozen(&mut self, frozen: bool) {
        self.frozen = frozen;
    }

    /// `running <- 0.9 running + 0.1 batch` with the unbiased variance, as in PyTorch. A single value per channel has
    /// no unbiased variance; its biased variance, 0, is used.
    pub(crate) fn update(&mut self, batch: BatchStatistics) {
        let unbiased = batch.count as f64 / batch.count.saturating_sub(1).max(1) as f64;
        let mix = |running: &Tensor<1>, found: Tensor<1>| {
            like(running, running.clone().without_autodiff() * (1.0 - MOMENTUM) + found.without_autodiff() * MOMENTUM)
        };
        self.running_mean = mix(&self.running_mean, batch.mean);
        self.running_variance = mix(&self.running_variance, batch.variance * unbiased);
    }

    pub(crate) fn running(&self, name: String) -> Running {
        let (mean, variance) = (self.running_mean.clone(), self.running_variance.clone());
        Running { name, mean, variance, frozen: self.frozen }
    }

    pub(crate) fn set_running(&mut self, mean: Tensor<1>, variance: Tensor<1>) {
        self.running_mean = like(&self.running_mean, mean);
        self.running_variance = like(&self.running_variance, variance);
    }
}

/// `value` without a graph on the device of `other`, with autodiff if `other` has it.
fn like(other: &Tensor<1>, value: Tensor<1>) -> Tensor<1> {
    let value = value.without_autodiff().to_device(&other.device().without_autodiff());
    if other.is_autodiff() { Tensor::from_inner(value) } else { value }
}
