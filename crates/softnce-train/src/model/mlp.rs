//! A multilayer perceptron.

use burn::config::Config;
use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor, TensorData};
use chacha20::ChaCha8Rng;
use rand::RngExt;

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
    /// Number of weights and biases.
    pub fn num_params(&self) -> usize {
        self.widths().windows(2).map(|pair| (pair[0] + 1) * pair[1]).sum()
    }

    /// Widths of the layers, from an input row to the classes.
    pub fn widths(&self) -> Vec<usize> {
        std::iter::once(self.inputs).chain(self.hidden.iter().copied()).chain([self.classes]).collect()
    }

    /// Builds the network with weights and biases from `U(-k, k)`, `k = sqrt(1 / inputs of the layer)`.
    ///
    /// They come from the caller's generator, not from the device's: that one is shared by the whole process.
    pub fn init(&self, generator: &mut ChaCha8Rng, device: &Device) -> Mlp {
        let layers = self.widths().windows(2).map(|pair| linear(pair[0], pair[1], generator, device)).collect();
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
    /// Values of an input row; `None` without a layer.
    pub fn inputs(&self) -> Option<usize> {
        self.layers.first().map(|layer| layer.weight.val().dims()[0])
    }

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
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn the_seed_decides_the_weights() {
        let device = Device::flex();
        let config = MlpConfig::new(6, vec![5, 4], 3);
        let input = Tensor::<2>::ones([2, 6], &device);
        let network = |seed| config.init(&mut ChaCha8Rng::seed_from_u64(seed), &device);
        let out = |seed| network(seed).forward(input.clone()).try_to_vec_as::<f32>().unwrap();
        assert_eq!(out(1), out(1));
        assert_ne!(out(1), out(2));
        assert_eq!(network(1).num_params(), 6 * 5 + 5 + 5 * 4 + 4 + 4 * 3 + 3);
        assert_eq!(config.num_params(), network(1).num_params());
    }
}
