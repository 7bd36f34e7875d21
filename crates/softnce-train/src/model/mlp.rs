//! A multilayer perceptron.

use burn::config::Config;
use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor, TensorData};
use chacha20::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

/// Configuration of [`Mlp`].
#[derive(Config, Debug)]
pub struct MlpConfig {
    /// Values of an input row.
    pub inputs: usize,
    /// Widths of the hidden layers.
    pub hidden: Vec<usize>,
    /// Number of classes.
    pub classes: usize,
}

/// Linear layers with ReLU between them.
#[derive(Module, Debug)]
pub struct Mlp {
    layers: Vec<Linear>,
}

impl MlpConfig {
    /// Builds the network with weights and biases from `U(-k, k)`, `k = sqrt(1 / inputs of the layer)`.
    ///
    /// The same seed gives the same weights, whatever else runs in the process: the device's own generator is shared.
    pub fn init(&self, seed: u64, device: &Device) -> Mlp {
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        let widths: Vec<usize> =
            std::iter::once(self.inputs).chain(self.hidden.iter().copied()).chain([self.classes]).collect();
        let layers = widths.windows(2).map(|pair| linear(pair[0], pair[1], &mut generator, device)).collect();
        Mlp { layers }
    }
}

fn linear(inputs: usize, outputs: usize, generator: &mut ChaCha8Rng, device: &Device) -> Linear {
    let bound = (1.0 / inputs.max(1) as f32).sqrt();
    let mut uniform =
        |count: usize| -> Vec<f32> { (0..count).map(|_| bound * (2.0 * generator.random::<f32>() - 1.0)).collect() };
    let weight = Tensor::from_data(TensorData::new(uniform(inputs * outputs), [inputs, outputs]), device);
    let bias = Tensor::from_data(TensorData::new(uniform(outputs), [outputs]), device);
    Linear { weight: Param::from_tensor(weight), bias: Some(Param::from_tensor(bias)) }
}

impl Mlp {
    /// Class logits.
    ///
    /// # Shapes
    /// - inputs: `[N, inputs]`
    /// - output: `[N, classes]`
    pub fn forward(&self, inputs: Tensor<2>) -> Tensor<2> {
        let last = self.layers.len().saturating_sub(1);
        self.layers.iter().enumerate().fold(inputs, |values, (number, layer)| {
            let values = layer.forward(values);
            if number < last { relu(values) } else { values }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seed_decides_the_weights() {
        let device = Device::flex();
        let config = MlpConfig::new(6, vec![5, 4], 3);
        let input = Tensor::<2>::ones([2, 6], &device);
        let out = |seed| config.init(seed, &device).forward(input.clone()).try_to_vec_as::<f32>().unwrap();
        assert_eq!(out(1), out(1));
        assert_ne!(out(1), out(2));
        assert_eq!(config.init(1, &device).num_params(), 6 * 5 + 5 + 5 * 4 + 4 + 4 * 3 + 3);
    }
}
