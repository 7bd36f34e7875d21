//! Initial weights from the caller's generator.

use burn::module::Param;
use burn::tensor::{Device, Tensor, TensorData};
use chacha20::ChaCha8Rng;
use rand::RngExt;
use rand_distr::{Distribution, StandardNormal};

/// Draws parameters one after another. The generator of a device would not do: the whole process shares it.
pub(crate) struct Init<'a> {
    pub(crate) rng: &'a mut ChaCha8Rng,
    pub(crate) device: &'a Device,
}

impl Init<'_> {
    /// From `U(-bound, bound)`.
    pub(crate) fn uniform<const D: usize>(&mut self, bound: f64, shape: [usize; D]) -> Param<Tensor<D>> {
        let bound = bound as f32;
        self.fill(shape, |rng| bound * (2.0 * rng.random::<f32>() - 1.0))
    }

    /// From `N(0, std^2)`.
    pub(crate) fn normal<const D: usize>(&mut self, std: f64, shape: [usize; D]) -> Param<Tensor<D>> {
        self.fill(shape, |rng| (std * normal(rng)) as f32)
    }

    /// From `N(0, std^2)`, redrawn outside [-2, 2]: absolute bounds, as in timm's `trunc_normal_`.
    pub(crate) fn truncated<const D: usize>(&mut self, std: f64, shape: [usize; D]) -> Param<Tensor<D>> {
        self.fill(shape, |rng| {
            loop {
                let value = std * normal(rng);
                if value.abs() <= 2.0 {
                    return value as f32;
                }
            }
        })
    }

    /// The same value everywhere.
    pub(crate) fn constant<const D: usize>(&mut self, value: f32, shape: [usize; D]) -> Param<Tensor<D>> {
        self.fill(shape, |_| value)
    }

    fn fill<const D: usize>(
        &mut self,
        shape: [usize; D],
        mut draw: impl FnMut(&mut ChaCha8Rng) -> f32,
    ) -> Param<Tensor<D>> {
        let values: Vec<f32> = (0..shape.iter().product()).map(|_| draw(self.rng)).collect();
        Param::from_tensor(Tensor::from_data(TensorData::new(values, shape), self.device))
    }
}

fn normal(rng: &mut ChaCha8Rng) -> f64 {
    StandardNormal.sample(rng)
}
