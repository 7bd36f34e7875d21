//! A multilayer perceptron.

use burn::module::Module;
use burn::tensor::Tensor;
use burn::tensor::activation::relu;
use serde::{Deserialize, Serialize};

use super::NetworkError;
use super::error::between;
use super::layers::{Init, Linear};

/// Configuration of [`Mlp`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MlpConfig {
    /// Widths of the hidden layers.
    #[serde(default)]
    pub hidden: Vec<usize>,
}

/// Linear layers with ReLU between them, on the pixels in a row.
#[derive(Module, Debug)]
pub struct Mlp {
    layers: Vec<Linear>,
}

impl MlpConfig {
    pub(super) fn check(&self) -> Result<(), NetworkError> {
        between("hidden layers", self.hidden.len(), 0, 1000)?;
        self.hidden.iter().try_for_each(|&width| between("hidden", width, 1, 1 << 16))
    }

    /// Widths of the layers, from the pixels to the classes.
    fn widths(&self, input: [usize; 3], classes: usize) -> Vec<usize> {
        let pixels = input.iter().product();
        std::iter::once(pixels).chain(self.hidden.iter().copied()).chain([classes]).collect()
    }

    pub(super) fn parameters(&self, input: [usize; 3], classes: usize) -> usize {
        self.widths(input, classes).windows(2).map(|pair| Linear::count(pair[0], pair[1])).sum()
    }

    /// The input of each layer, and of each ReLU.
    pub(super) fn activations(&self, input: [usize; 3]) -> usize {
        input.iter().product::<usize>() + 2 * self.hidden.iter().sum::<usize>()
    }

    pub(super) fn init(&self, input: [usize; 3], classes: usize, init: &mut Init) -> Mlp {
        let widths = self.widths(input, classes);
        Mlp { layers: widths.windows(2).map(|pair| Linear::uniform(pair[0], pair[1], init)).collect() }
    }
}

impl Mlp {
    pub(super) fn forward(&self, pictures: Tensor<4>) -> Tensor<2> {
        let last = self.layers.len().saturating_sub(1);
        let pixels: Tensor<2> = pictures.flatten(1, 3);
        self.layers.iter().enumerate().fold(pixels, |values, (number, layer)| {
            let values = layer.forward_rows(values);
            if number < last { relu(values) } else { values }
        })
    }

    /// Number of layers.
    pub(crate) fn depth(&self) -> usize {
        self.layers.len()
    }
}
