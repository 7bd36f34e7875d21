//! Configuration of a residual network.

use serde::{Deserialize, Serialize};

use super::Resnet;
use super::block::BasicBlock;
use super::plan::{BlockPlan, blocks};
use super::shortcut::Shortcut;
use crate::models::architecture::{Architecture, NetworkKind};
use crate::models::error::{NetworkError, between};
use crate::models::layers::{BatchNorm, Convolution, HeadConfig, HeadKind, Init};

/// Configuration of [`Resnet`]. Depth 6n + 2: three layers of n basic blocks with widths 16, 32, 64 (He et al., arXiv
/// 1512.03385, section 4.2). Depth 18: four layers of two basic blocks with widths 64 to 512, after a stem of kernel 3
/// without pooling.
///
/// Convolutions are initialised from `N(0, 2 / (k^2 outputs))`, batch normalisations with scale 1 and shift 0.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResnetConfig {
    /// Number of layers with weights, as the paper counts: 18, or 8, 14, 20, 26, 32 and so on.
    pub depth: usize,
    /// Shortcut where the shape changes. Default: padding at depth 6n + 2, projection at depth 18.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shortcut: Option<Shortcut>,
    /// Width of the first layer. Default: 16 at depth 6n + 2, 64 at depth 18.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<usize>,
    /// Whether the scale of each block's last normalisation starts at 0, so that the block starts as its shortcut
    /// (Goyal et al., arXiv 1706.02677).
    #[serde(default)]
    pub zero_init_last: bool,
    /// Kind of the head.
    #[serde(default)]
    pub head: HeadKind,
    /// Width of the hidden layers of an MLP head. Default: the width of the features.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head_width: Option<usize>,
    /// Standard deviation of the initial weight of the head's last layer, with bias 0. Default: PyTorch's
    /// initialisation of linear layers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head_std: Option<f64>,
}

impl ResnetConfig {
    /// This depth, everything else at its default.
    pub fn new(depth: usize) -> ResnetConfig {
        ResnetConfig {
            depth,
            shortcut: None,
            width: None,
            zero_init_last: false,
            head: HeadKind::default(),
            head_width: None,
            head_std: None,
        }
    }

    pub(super) fn first_width(&self) -> usize {
        self.width.unwrap_or(if self.depth == 18 { 64 } else { 16 })
    }

    pub(super) fn shortcut(&self) -> Shortcut {
        self.shortcut.unwrap_or(if self.depth == 18 { Shortcut::Projection } else { Shortcut::Padding })
    }

    /// Number of blocks of each layer.
    pub(super) fn counts(&self) -> Vec<usize> {
        if self.depth == 18 { vec![2; 4] } else { vec![(self.depth - 2) / 6; 3] }
    }

    fn plan(&self) -> Vec<BlockPlan> {
        let counts = self.counts();
        blocks(counts.len(), counts[0], self.first_width())
    }

    pub(super) fn head(&self, classes: usize) -> HeadConfig {
        let inputs = self.plan().last().map_or(0, |block| block.outputs);
        let hidden = self.head_width.unwrap_or(inputs);
        HeadConfig { kind: self.head, inputs, hidden, classes, std: self.head_std }
    }

    fn projects(&self, block: &BlockPlan) -> bool {
        self.shortcut() == Shortcut::Projection && block.changes()
    }

    pub(in crate::models) fn init(&self, channels: usize, classes: usize, init: &mut Init) -> Resnet {
        let width = self.first_width();
        let conv1 = Convolution::new(channels, width, 3, 1, init);
        let bn1 = BatchNorm::new(width, init);
        let mut layers: [Vec<BasicBlock>; 4] = Default::default();
        for plan in self.plan() {
            let block = BasicBlock::new(&plan, self.shortcut(), self.zero_init_last, init);
            if let Some(layer) = layers.get_mut(plan.layer) {
                layer.push(block);
            }
        }
        let [layer1, layer2, layer3, layer4] = layers;
        Resnet { conv1, bn1, layer1, layer2, layer3, layer4, fc: self.head(classes).init(init) }
    }
}

impl Architecture for ResnetConfig {
    fn kind(&self) -> &'static NetworkKind {
        &Resnet::KIND
    }

    fn check(&self, _: [usize; 3]) -> Result<(), NetworkError> {
        if self.depth != 18 && (self.depth < 8 || self.depth > 2000 || self.depth % 6 != 2) {
            return Err(NetworkError::argument("depth", self.depth, "18, or 6n + 2 from 8 to 2000"));
        }
        between("width", self.first_width(), 1, 1 << 12)?;
        if let Some(width) = self.head_width {
            between("head_width", width, 1, 1 << 14)?;
        }
        match self.head_std {
            Some(std) if !(0.0..=1.0).contains(&std) => Err(NetworkError::argument("head_std", std, "0 to 1")),
            _ => Ok(()),
        }
    }

    fn parameters(&self, input: [usize; 3], classes: usize) -> Result<usize, NetworkError> {
        // A convolution and the weight and bias of the normalisation after it.
        let pair = |inputs: usize, outputs: usize, kernel: usize| outputs * (inputs * kernel * kernel + 2);
        let block = |block: &BlockPlan| {
            let BlockPlan { inputs, outputs, .. } = *block;
            let shortcut = if self.projects(block) { pair(inputs, outputs, 1) } else { 0 };
            pair(inputs, outputs, 3) + pair(outputs, outputs, 3) + shortcut
        };
        let stem = pair(input[0], self.first_width(), 3);
        Ok(stem + self.plan().iter().map(block).sum::<usize>() + self.head(classes).count())
    }

    /// The inputs of all convolutions, normalisations and ReLUs.
    fn activations(&self, input: [usize; 3], classes: usize) -> Result<usize, NetworkError> {
        let [channels, mut height, mut width] = input;
        let mut total = channels * height * width + 2 * self.first_width() * height * width;
        for block in self.plan() {
            let incoming = block.inputs * height * width;
            (height, width) = (height.div_ceil(block.stride), width.div_ceil(block.stride));
            let outgoing = block.outputs * height * width;
            // Convolution 1, norm 1, ReLU, convolution 2, norm 2, ReLU of the sum.
            total += incoming + 5 * outgoing;
            if self.projects(&block) {
                total += incoming + outgoing;
            }
        }
        Ok(total + self.head(classes).activations())
    }

    fn python(&self, input: [usize; 3], classes: usize) -> Result<Vec<String>, NetworkError> {
        Ok(self.in_python(input[0], classes))
    }

    fn describe(&self, _: [usize; 3], _: usize) -> String {
        format!("residual network of {} layers", self.depth)
    }
}
