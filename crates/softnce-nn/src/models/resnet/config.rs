//! Configuration of a residual network.

use serde::{Deserialize, Serialize};

use super::Resnet;
use super::block::{Block, convolution};
use super::plan::{BlockKind, BlockPlan, ConvolutionPlan, blocks};
use super::shortcut::Shortcut;
use crate::models::architecture::{Architecture, NetworkKind};
use crate::models::error::{NetworkError, between};
use crate::models::freeze::Freeze;
use crate::models::layers::{BatchNorm, HeadConfig, HeadKind, Init};
use crate::models::library::Library;
use crate::models::size::LayerSize;

/// Stem and blocks of a residual network (He et al., arXiv 1512.03385).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResnetForm {
    /// Depth 6n + 2 (section 4.2 of the paper): a stem of kernel 3; three layers of n basic blocks with widths 16, 32
    /// and 64.
    Cifar,
    /// Depth 18, 34, 50, 101 or 152, equal to torchvision's `resnet18` and so on, and timm's: a stem of kernel 7 and
    /// stride 2, then max pooling of kernel 3 and stride 2; four layers of blocks with widths 64 to 512, from depth 50
    /// on bottlenecks with four times as many outputs.
    Imagenet,
    /// The blocks of [`ResnetForm::Imagenet`] for small pictures: the stem of kernel 3 and stride 1, no pooling.
    Small,
}

/// Configuration of [`Resnet`].
///
/// Convolutions are initialised from `N(0, 2 / (k^2 outputs))`, batch normalisations with scale 1 and shift 0.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResnetConfig {
    /// Number of layers with weights, as the paper counts.
    pub depth: usize,
    /// Stem and blocks. Default: `small` at depth 18, `cifar` at depth 6n + 2; other depths need it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<ResnetForm>,
    /// Shortcut where the shape changes. Default: padding in the form `cifar`, else projection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shortcut: Option<Shortcut>,
    /// Width of the first layer. Default: 16 in the form `cifar`, else 64.
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
    /// Layers that keep their weights in training. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub freeze: Option<Freeze>,
}

impl ResnetConfig {
    /// This depth, everything else at its default.
    pub fn new(depth: usize) -> ResnetConfig {
        ResnetConfig {
            depth,
            form: None,
            shortcut: None,
            width: None,
            zero_init_last: false,
            head: HeadKind::default(),
            head_width: None,
            head_std: None,
            freeze: None,
        }
    }

    pub(super) fn form(&self) -> ResnetForm {
        self.form.unwrap_or(if self.depth == 18 { ResnetForm::Small } else { ResnetForm::Cifar })
    }

    pub(super) fn first_width(&self) -> usize {
        self.width.unwrap_or(if self.form() == ResnetForm::Cifar { 16 } else { 64 })
    }

    pub(super) fn shortcut(&self) -> Shortcut {
        let default = if self.form() == ResnetForm::Cifar { Shortcut::Padding } else { Shortcut::Projection };
        self.shortcut.unwrap_or(default)
    }

    /// Kind of the blocks, and their number in each layer; `None` for a depth that the form does not have.
    pub(super) fn layout(&self) -> Option<(BlockKind, Vec<usize>)> {
        use BlockKind::{Basic, Bottleneck};
        if self.form() == ResnetForm::Cifar {
            let fits = (8..=2000).contains(&self.depth) && self.depth % 6 == 2;
            return fits.then(|| (Basic, vec![(self.depth - 2) / 6; 3]));
        }
        let (kind, counts) = match self.depth {
            18 => (Basic, [2, 2, 2, 2]),
            34 => (Basic, [3, 4, 6, 3]),
            50 => (Bottleneck, [3, 4, 6, 3]),
            101 => (Bottleneck, [3, 4, 23, 3]),
            152 => (Bottleneck, [3, 8, 36, 3]),
            _ => return None,
        };
        Some((kind, counts.to_vec()))
    }

    /// The convolution of the stem.
    pub(super) fn stem(&self, inputs: usize) -> ConvolutionPlan {
        let (kernel, stride) = if self.pools() { (7, 2) } else { (3, 1) };
        ConvolutionPlan { inputs, outputs: self.first_width(), kernel, stride }
    }

    /// Whether max pooling follows the stem.
    pub(super) fn pools(&self) -> bool {
        self.form() == ResnetForm::Imagenet
    }

    pub(super) fn plan(&self) -> Vec<BlockPlan> {
        self.layout().map_or_else(Vec::new, |(kind, counts)| blocks(kind, &counts, self.first_width()))
    }

    pub(super) fn head_config(&self, classes: usize) -> HeadConfig {
        let inputs = self.plan().last().map_or(0, |block| block.outputs);
        let hidden = self.head_width.unwrap_or(inputs);
        HeadConfig { kind: self.head, inputs, hidden, classes, std: self.head_std }
    }

    pub(in crate::models) fn init(&self, channels: usize, classes: usize, init: &mut Init) -> Resnet {
        let conv1 = convolution(self.stem(channels), init);
        let bn1 = BatchNorm::new(self.first_width(), init);
        let mut layers: [Vec<Block>; 4] = Default::default();
        for plan in self.plan() {
            let block = Block::new(&plan, self.shortcut(), self.zero_init_last, init);
            if let Some(layer) = layers.get_mut(plan.layer) {
                layer.push(block);
            }
        }
        let [layer1, layer2, layer3, layer4] = layers;
        let fc = self.head_config(classes).init(init);
        Resnet { conv1, bn1, pools: self.pools(), layer1, layer2, layer3, layer4, fc }
    }
}

impl Architecture for ResnetConfig {
    fn kind(&self) -> &'static NetworkKind {
        &Resnet::KIND
    }

    fn check(&self, _: [usize; 3]) -> Result<(), NetworkError> {
        if self.layout().is_none() {
            let expected = match self.form {
                None => "18, or 6n + 2 from 8 to 2000; 34, 50, 101 and 152 need form = \"imagenet\" or \"small\"",
                Some(ResnetForm::Cifar) => "6n + 2 from 8 to 2000 with form = \"cifar\"",
                Some(_) => "18, 34, 50, 101 or 152 with this form",
            };
            return Err(NetworkError::argument("depth", self.depth, expected));
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

    fn layers(&self, input: [usize; 3], classes: usize) -> Result<Vec<LayerSize>, NetworkError> {
        let [channels, height, width] = input;
        let mut picture = [height, width];
        let mut stem = rectified(self.stem(channels), &mut picture);
        if self.pools() {
            stem.activations += self.first_width() * area(picture);
            picture = picture.map(|side| side.div_ceil(2));
        }
        let mut layers = vec![stem];
        for block in self.plan() {
            let (first, second, third) = block.convolutions();
            let projects = self.shortcut() == Shortcut::Projection && block.changes();
            let shortcut = projects.then(|| normalised(block.projection(), &mut { picture }));
            let convolutions = [first, second].into_iter().chain(third);
            let branch: Vec<LayerSize> = convolutions.map(|plan| rectified(plan, &mut picture)).collect();
            layers.push(branch.into_iter().chain(shortcut).sum());
        }
        layers.push(self.head_config(classes).size());
        Ok(layers)
    }

    fn head(&self, _: [usize; 3], classes: usize) -> Result<LayerSize, NetworkError> {
        Ok(self.head_config(classes).size())
    }

    fn freeze(&self) -> Option<Freeze> {
        self.freeze
    }

    fn python(&self, input: [usize; 3], classes: usize, _: Library) -> Result<Vec<String>, NetworkError> {
        Ok(self.in_python(input[0], classes))
    }

    fn describe(&self, _: [usize; 3], _: usize) -> String {
        let stem = match self.form() {
            ResnetForm::Imagenet => " with ImageNet's stem",
            ResnetForm::Small if self.depth != 18 => " with a stem for small pictures",
            _ => "",
        };
        format!("residual network of {} layers{stem}", self.depth)
    }
}

fn area([height, width]: [usize; 2]) -> usize {
    height * width
}

/// Size of a convolution and the batch normalisation after it, on pictures of this height and width, which become those of
/// the result.
fn normalised(plan: ConvolutionPlan, picture: &mut [usize; 2]) -> LayerSize {
    let ConvolutionPlan { inputs, outputs, kernel, stride } = plan;
    let before = area(*picture);
    *picture = picture.map(|side| side.div_ceil(stride));
    LayerSize {
        // Weight and bias of the normalisation.
        parameters: outputs * (inputs * kernel * kernel + 2),
        activations: inputs * before + outputs * area(*picture),
    }
}

/// The same with a ReLU behind it, or behind the sum with the shortcut.
fn rectified(plan: ConvolutionPlan, picture: &mut [usize; 2]) -> LayerSize {
    let LayerSize { parameters, activations } = normalised(plan, picture);
    LayerSize { parameters, activations: activations + plan.outputs * area(*picture) }
}
