//! A residual network in Python: torchvision's, or one of torchvision's blocks.

use super::plan::{BlockKind, ConvolutionPlan};
use super::{ResnetConfig, Shortcut};

impl ResnetConfig {
    /// Python that makes `model` and loads `weights`.
    pub(super) fn in_python(&self, channels: usize, classes: usize) -> Vec<String> {
        let Some((kind, counts)) = self.layout() else { return Vec::new() };
        let ConvolutionPlan { outputs: width, kernel, stride, .. } = self.stem(channels);
        let conv1 = format!("torch.nn.Conv2d({channels}, {width}, {kernel}, {stride}, {}, bias=False)", kernel / 2);
        let mut lines = Vec::new();
        if counts.len() == 4 && width == 64 && self.shortcut() == Shortcut::Projection {
            lines.push(format!("model = torchvision.models.resnet{}(num_classes={classes})", self.depth));
            if !self.pools() || channels != 3 {
                lines.push(format!("model.conv1 = {conv1}"));
            }
            if !self.pools() {
                lines.push("model.maxpool = torch.nn.Identity()".to_owned());
            }
        } else {
            lines.extend(self.layer_in_python(kind));
            let mut inputs = width;
            let layers = counts.iter().enumerate().map(|(layer, count)| {
                let width = width << layer;
                let stride = if layer == 0 { 1 } else { 2 };
                let line = format!("layer{}=layer({inputs}, {width}, {stride}, {count})", layer + 1);
                inputs = if kind == BlockKind::Bottleneck { 4 * width } else { width };
                line
            });
            let layers: Vec<String> = layers.collect();
            let pool = if self.pools() { " pool=torch.nn.MaxPool2d(3, 2, 1)," } else { "" };
            lines.push("model = torch.nn.Sequential(collections.OrderedDict(".to_owned());
            lines.push(format!("    conv1={conv1},"));
            lines.push(format!("    bn1=torch.nn.BatchNorm2d({width}), relu=torch.nn.ReLU(),{pool}"));
            lines.push(format!("    {},", layers.join(", ")));
            lines.push("    mean=torch.nn.AdaptiveAvgPool2d(1), flatten=torch.nn.Flatten(),".to_owned());
            lines.push(format!("    fc=torch.nn.Linear({inputs}, {classes})))"));
        }
        lines.extend(self.head_config(classes).in_python("model.fc"));
        lines.push("model.load_state_dict(weights)".to_owned());
        lines
    }

    /// Functions that make a layer of blocks.
    fn layer_in_python(&self, kind: BlockKind) -> Vec<String> {
        let block = if kind == BlockKind::Bottleneck { "Bottleneck" } else { "BasicBlock" };
        let shortcut: &[&str] = match self.shortcut() {
            Shortcut::Projection => &[
                "    projection = torch.nn.Conv2d(inputs, outputs, 1, stride, bias=False)",
                "    return torch.nn.Sequential(projection, torch.nn.BatchNorm2d(outputs))",
            ],
            Shortcut::Padding => &[
                "    pads = [0, 0, 0, 0, (outputs - inputs) // 2, (outputs - inputs + 1) // 2]",
                "    return lambda maps: torch.nn.functional.pad(maps[:, :, ::stride, ::stride], pads)",
            ],
        };
        let mut lines = vec![format!("block = torchvision.models.resnet.{block}")];
        lines.push("def shortcut(inputs, outputs, stride):".to_owned());
        lines.extend(shortcut.iter().map(|line| (*line).to_owned()));
        let layer = [
            "def layer(inputs, width, stride, blocks):",
            "    outputs = width * block.expansion",
            "    change = shortcut(inputs, outputs, stride) if stride > 1 or inputs != outputs else None",
            "    rest = [block(outputs, width) for _ in range(blocks - 1)]",
            "    return torch.nn.Sequential(block(inputs, width, stride, change), *rest)",
        ];
        lines.extend(layer.map(str::to_owned));
        lines
    }
}
