//! Residual networks for small pictures (He et al., arXiv 1512.03385), names as torchvision's.

mod block;
mod config;
mod plan;
mod shortcut;

use burn::module::Module;
use burn::tensor::Tensor;

use block::BasicBlock;
pub use config::ResnetConfig;
pub use shortcut::Shortcut;

use super::layers::{BatchNorm, Convolution, Head, Pass};

/// A residual network; see [`ResnetConfig`].
#[derive(Module, Debug)]
pub struct Resnet {
    conv1: Convolution,
    bn1: BatchNorm,
    layer1: Vec<BasicBlock>,
    layer2: Vec<BasicBlock>,
    layer3: Vec<BasicBlock>,
    /// Empty at depth 6n + 2.
    layer4: Vec<BasicBlock>,
    fc: Head,
}

impl Resnet {
    pub(super) fn forward(&self, pictures: Tensor<4>, pass: &mut Pass) -> Tensor<2> {
        let stem = self.bn1.forward_relu(self.conv1.forward(pictures), pass);
        let layers = [&self.layer1, &self.layer2, &self.layer3, &self.layer4];
        let maps = layers.into_iter().flatten().fold(stem, |maps, block| block.forward(maps, pass));
        let [rows, channels, height, width] = maps.dims();
        let features = maps.reshape([rows, channels, height * width]).mean_dim(2).squeeze_dim(2);
        self.fc.forward(features, pass)
    }

    /// The batch normalisations in the order of the forward pass.
    pub(super) fn batch_norms(&mut self) -> Vec<(String, &mut BatchNorm)> {
        let layers = [&mut self.layer1, &mut self.layer2, &mut self.layer3, &mut self.layer4];
        let mut norms = vec![("bn1".to_string(), &mut self.bn1)];
        for (layer, blocks) in layers.into_iter().enumerate() {
            for (number, block) in blocks.iter_mut().enumerate() {
                norms.extend(block.batch_norms(&format!("layer{}.{number}", layer + 1)));
            }
        }
        norms.extend(self.fc.batch_norms("fc"));
        norms
    }

    /// Number of blocks of each layer.
    pub(crate) fn blocks(&self) -> [usize; 4] {
        [&self.layer1, &self.layer2, &self.layer3, &self.layer4].map(Vec::len)
    }
}
