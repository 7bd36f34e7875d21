//! A residual network in Python, built of torchvision's blocks.

use super::{ResnetConfig, Shortcut};

impl ResnetConfig {
    /// Python that makes `model` and loads `weights`.
    pub(super) fn in_python(&self, channels: usize, classes: usize) -> Vec<String> {
        let (width, counts) = (self.first_width(), self.counts());
        let last = width << (counts.len() - 1);
        let plain = self.width.is_none() && self.shortcut() == Shortcut::Projection && counts.len() == 4;
        let mut lines = Vec::new();
        if plain {
            lines.push(format!("model = torchvision.models.resnet{}(num_classes={classes})", self.depth));
            lines.push(format!("model.conv1 = torch.nn.Conv2d({channels}, {width}, 3, 1, 1, bias=False)"));
            lines.push("model.maxpool = torch.nn.Identity()".to_owned());
        } else {
            lines.extend(self.blocks_in_python());
            let layers = counts.iter().enumerate().map(|(layer, count)| {
                let outputs = width << layer;
                let (inputs, stride) = if layer == 0 { (outputs, 1) } else { (outputs / 2, 2) };
                format!("layer{}=layer({inputs}, {outputs}, {stride}, {count})", layer + 1)
            });
            let layers: Vec<String> = layers.collect();
            lines.push("model = torch.nn.Sequential(collections.OrderedDict(".to_owned());
            lines.push(format!("    conv1=torch.nn.Conv2d({channels}, {width}, 3, 1, 1, bias=False),"));
            lines.push(format!("    bn1=torch.nn.BatchNorm2d({width}), relu=torch.nn.ReLU(),"));
            lines.push(format!("    {},", layers.join(", ")));
            lines.push("    pool=torch.nn.AdaptiveAvgPool2d(1), flatten=torch.nn.Flatten(),".to_owned());
            lines.push(format!("    fc=torch.nn.Linear({last}, {classes})))"));
        }
        lines.extend(self.head(classes).in_python("model.fc"));
        lines.push("model.load_state_dict(weights)".to_owned());
        lines
    }

    /// Functions that make a layer of blocks.
    fn blocks_in_python(&self) -> Vec<String> {
        let shortcut = match self.shortcut() {
            Shortcut::Projection => vec![
                "    projection = torch.nn.Conv2d(inputs, outputs, 1, stride, bias=False)",
                "    return torch.nn.Sequential(projection, torch.nn.BatchNorm2d(outputs))",
            ],
            Shortcut::Padding => vec![
                "    pads = [0, 0, 0, 0, (outputs - inputs) // 2, (outputs - inputs + 1) // 2]",
                "    return lambda maps: torch.nn.functional.pad(maps[:, :, ::stride, ::stride], pads)",
            ],
        };
        let layer = [
            "def layer(inputs, outputs, stride, blocks):",
            "    change = shortcut(inputs, outputs, stride) if stride > 1 else None",
            "    block = torchvision.models.resnet.BasicBlock",
            "    rest = [block(outputs, outputs) for _ in range(blocks - 1)]",
            "    return torch.nn.Sequential(block(inputs, outputs, stride, change), *rest)",
        ];
        let lines = ["def shortcut(inputs, outputs, stride):"].into_iter().chain(shortcut).chain(layer);
        lines.map(str::to_owned).collect()
    }
}
