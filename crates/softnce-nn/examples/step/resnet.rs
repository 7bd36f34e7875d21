//! A residual network of the CIFAR kind (He et al., arXiv 1512.03385): 20 layers, 16 to 64 channels.

use burn::tensor::Tensor;
use softnce_nn::ops::OperationError;

use crate::{Form, leaf, loss};

const EPSILON: f64 = 1e-5;

/// A convolution's weight and stride, and the gamma and beta of the normalisation after it.
struct Layer {
    weight: Tensor<4>,
    stride: usize,
    gamma: Tensor<1>,
    beta: Tensor<1>,
}

impl Layer {
    fn new(inputs: usize, outputs: usize, kernel: usize, stride: usize) -> Self {
        let deviation = (2.0 / (outputs * kernel * kernel) as f64).sqrt();
        let weight = leaf([outputs, inputs, kernel, kernel], deviation);
        Layer { weight, stride, gamma: leaf([outputs], 1.0), beta: leaf([outputs], 0.1) }
    }

    fn run(&self, form: &Form, x: Tensor<4>, rectify: bool) -> Result<Tensor<4>, OperationError> {
        let padding = self.weight.dims()[2] / 2;
        let x = (form.conv2d)(x, self.weight.clone(), self.stride, padding)?;
        let norm = if rectify { form.batch_norm_relu } else { form.batch_norm };
        Ok(norm(x, self.gamma.clone(), self.beta.clone(), EPSILON)?.0)
    }
}

/// The parameters.
pub struct ResNet {
    stem: Layer,
    blocks: Vec<(Layer, Layer, Option<Layer>)>,
    head: (Tensor<2>, Tensor<1>),
}

impl ResNet {
    /// With random values.
    pub fn new() -> Self {
        let mut blocks = Vec::new();
        for (inputs, outputs) in [(16, 16), (16, 32), (32, 64)] {
            let stride = outputs / inputs;
            let shortcut = (stride > 1).then(|| Layer::new(inputs, outputs, 1, stride));
            blocks.push((Layer::new(inputs, outputs, 3, stride), Layer::new(outputs, outputs, 3, 1), shortcut));
            for _ in 0..2 {
                blocks.push((Layer::new(outputs, outputs, 3, 1), Layer::new(outputs, outputs, 3, 1), None));
            }
        }
        ResNet { stem: Layer::new(3, 16, 3, 1), blocks, head: (leaf([64, 100], 0.1), leaf([100], 0.1)) }
    }

    /// The loss of pictures of shape `[N, 3, 32, 32]`.
    pub fn loss(&self, form: &Form, pictures: Tensor<4>) -> Result<Tensor<1>, OperationError> {
        let mut x = self.stem.run(form, pictures, true)?;
        for (first, second, shortcut) in &self.blocks {
            let kept = match shortcut {
                Some(shortcut) => shortcut.run(form, x.clone(), false)?,
                None => x.clone(),
            };
            x = (form.add_relu)(second.run(form, first.run(form, x, true)?, false)?, kept)?;
        }
        let features = x.mean_dims(&[2, 3]).flatten::<2>(1, 3).unsqueeze_dim::<3>(1);
        Ok(loss((form.linear)(features, self.head.0.clone(), Some(self.head.1.clone()))?.squeeze_dim(1)))
    }
}
