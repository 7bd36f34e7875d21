//! Residual networks (He et al., arXiv 1512.03385), with torchvision's and timm's names.

mod block;
mod config;
mod plan;
mod python;
mod shortcut;

use burn::module::Module;
use burn::tensor::Tensor;

use block::Block;
pub use config::{ResnetConfig, ResnetForm};
pub use shortcut::Shortcut;

use super::architecture::{Body, NetworkKind, number_after};
use super::layers::{BatchNorm, ClassifierHead, Convolution, ForwardPass};
use crate::onnx::{Graph, Value};
use crate::ops::{OperationError, max_pool2d};

/// A residual network; see [`ResnetConfig`].
#[derive(Module, Debug)]
pub struct Resnet {
    conv1: Convolution,
    bn1: BatchNorm,
    /// Whether max pooling of kernel 3 and stride 2 follows.
    pools: bool,
    layer1: Vec<Block>,
    layer2: Vec<Block>,
    layer3: Vec<Block>,
    /// Empty in the form `cifar`.
    layer4: Vec<Block>,
    fc: ClassifierHead,
}

impl Resnet {
    pub(super) const KIND: NetworkKind = NetworkKind {
        name: "resnet",
        title: "Residual network",
        example: r#"{"kind": "resnet", "depth": 8, "width": 4}"#,
    };

    /// Number of blocks of each layer.
    fn blocks(&self) -> [usize; 4] {
        [&self.layer1, &self.layer2, &self.layer3, &self.layer4].map(Vec::len)
    }
}

impl Body for Resnet {
    fn forward(&self, pictures: Tensor<4>, pass: &mut ForwardPass) -> Result<Tensor<2>, OperationError> {
        let mut stem = self.bn1.forward_relu(self.conv1.forward(pictures)?, pass)?;
        if self.pools {
            stem = max_pool2d(stem, 3, 2, 1)?;
        }
        let layers = [&self.layer1, &self.layer2, &self.layer3, &self.layer4];
        let maps = layers.into_iter().flatten().try_fold(stem, |maps, block| block.forward(maps, pass))?;
        let [rows, channels, height, width] = maps.dims();
        let features = maps.reshape([rows, channels, height * width]).mean_dim(2).squeeze_dim(2);
        self.fc.forward(features, pass)
    }

    fn graph(&self, graph: &mut Graph, pictures: Value) -> Value {
        let stem = self.conv1.graph(graph, "conv1", pictures);
        let stem = BatchNorm::graph(graph, "bn1", stem);
        let mut maps = graph.relu(stem);
        if self.pools {
            maps = graph.max_pool(maps, 3, 2, 1);
        }
        for (layer, blocks) in [&self.layer1, &self.layer2, &self.layer3, &self.layer4].into_iter().enumerate() {
            for (number, block) in blocks.iter().enumerate() {
                maps = block.graph(graph, &format!("layer{}.{number}", layer + 1), maps);
            }
        }
        let features = graph.mean_of_pixels(maps);
        self.fc.graph(graph, "fc", features)
    }

    fn batch_norms(&mut self) -> Vec<(String, &mut BatchNorm)> {
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

    /// The stem, each block, the head.
    fn layers(&self) -> usize {
        self.blocks().iter().sum::<usize>() + 2
    }

    fn layer_of(&self, name: &str) -> Option<usize> {
        if name.starts_with("conv1.") || name.starts_with("bn1.") {
            return Some(0);
        }
        let blocks = self.blocks();
        (0..blocks.len()).find_map(|layer| {
            let block = number_after(&format!("layer{}", layer + 1), name)?;
            Some(blocks[..layer].iter().sum::<usize>().saturating_add(block).saturating_add(1))
        })
    }

    fn is_head(&self, name: &str) -> bool {
        name.starts_with("fc.")
    }
}
