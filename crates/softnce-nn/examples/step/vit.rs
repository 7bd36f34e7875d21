//! A vision transformer of width 192, depth 6 and 3 heads over 64 patches and a class token.

use burn::tensor::Tensor;
use softnce_nn::ops::OperationError;

use crate::{Form, leaf, loss};

const WIDTH: usize = 192;
const HEADS: usize = 3;

/// Weight and bias.
type Linear = (Tensor<2>, Tensor<1>);

fn linear(inputs: usize, outputs: usize) -> Linear {
    (leaf([inputs, outputs], 0.02), leaf([outputs], 0.02))
}

struct Block {
    norms: [(Tensor<1>, Tensor<1>); 2],
    qkv: Linear,
    project: Linear,
    expand: Linear,
    contract: Linear,
}

/// The parameters.
pub struct Vit {
    embed: Linear,
    class: Tensor<3>,
    places: Tensor<3>,
    blocks: Vec<Block>,
    norm: (Tensor<1>, Tensor<1>),
    head: Linear,
}

impl Vit {
    /// With random values.
    pub fn new() -> Self {
        let norm = || (leaf([WIDTH], 1.0), leaf([WIDTH], 0.1));
        let block = |_| Block {
            norms: [norm(), norm()],
            qkv: linear(WIDTH, 3 * WIDTH),
            project: linear(WIDTH, WIDTH),
            expand: linear(WIDTH, 4 * WIDTH),
            contract: linear(4 * WIDTH, WIDTH),
        };
        Vit {
            embed: linear(48, WIDTH),
            class: leaf([1, 1, WIDTH], 0.02),
            places: leaf([1, 65, WIDTH], 0.02),
            blocks: (0..6).map(block).collect(),
            norm: norm(),
            head: linear(WIDTH, 100),
        }
    }

    /// The loss of patches of shape `[N, 64, 48]`.
    pub fn loss(&self, form: &Form, patches: Tensor<3>) -> Result<Tensor<1>, OperationError> {
        let rows = patches.dims()[0];
        let linear = |x, (weight, bias): &Linear| (form.linear)(x, weight.clone(), Some(bias.clone()));
        let norm = |x, (gamma, beta): &(Tensor<1>, Tensor<1>)| (form.layer_norm)(x, gamma.clone(), beta.clone(), 1e-6);
        let tokens = Tensor::cat(vec![self.class.clone().repeat_dim(0, rows), linear(patches, &self.embed)?], 1);
        let mut x = tokens + self.places.clone();
        for block in &self.blocks {
            let mixed = (form.attention)(linear(norm(x.clone(), &block.norms[0])?, &block.qkv)?, HEADS)?;
            x = x + linear(mixed, &block.project)?;
            let wide = (form.gelu)(linear(norm(x.clone(), &block.norms[1])?, &block.expand)?);
            x = x + linear(wide, &block.contract)?;
        }
        let class = norm(x, &self.norm)?.slice([0..rows, 0..1]);
        Ok(loss(linear(class, &self.head)?.squeeze_dim(1)))
    }
}
