//! An optimiser whose learning rate is a fixed multiple of the schedule's.

use burn::optim::{LearningRate, Optimizer};
use burn::tensor::{Device, Tensor};

/// An optimiser under `scale` times the learning rate it is given: one parameter group of layer-wise decay.
#[derive(Debug, Clone)]
pub struct Scaled<O> {
    /// The optimiser.
    pub optimizer: O,
    /// Factor of the learning rate.
    pub scale: f64,
}

impl<O: Optimizer> Optimizer for Scaled<O> {
    type State<const D: usize> = O::State<D>;

    fn step<const D: usize>(
        &self,
        rate: LearningRate,
        tensor: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<Self::State<D>>,
    ) -> (Tensor<D>, Option<Self::State<D>>) {
        self.optimizer.step(rate * self.scale, tensor, gradient, state)
    }

    fn to_device<const D: usize>(state: Self::State<D>, device: &Device) -> Self::State<D> {
        O::to_device(state, device)
    }
}
