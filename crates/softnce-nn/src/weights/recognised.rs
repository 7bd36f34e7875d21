//! Recognises the network that a checkpoint belongs to, for the error of one that does not fit.

use std::collections::HashMap;

/// The residual network or vision transformer that has these tensors, in the words of a recipe: `a residual network with
/// depth = 50, form = "imagenet"`. Relatives that the program does not have are called by their names in torchvision or
/// timm. `None` for any other network.
///
/// # Shapes
/// As in PyTorch, with timm's names.
pub(super) fn recognised<'a>(tensors: impl Iterator<Item = (&'a str, &'a [usize])>) -> Option<String> {
    let shapes: HashMap<&str, &[usize]> = tensors.collect();
    resnet(&shapes).or_else(|| vit(&shapes))
}

fn resnet(shapes: &HashMap<&str, &[usize]>) -> Option<String> {
    let matrix = |name: &str| shapes.get(name).and_then(|shape| <[usize; 4]>::try_from(*shape).ok());
    let layer = |layer: usize| {
        let first = |number: usize| format!("layer{layer}.{number}.conv1.weight");
        (0..).take_while(|&number| shapes.contains_key(first(number).as_str())).count()
    };
    let blocks = [1, 2, 3, 4].map(layer);
    let bottlenecks = shapes.contains_key("layer1.0.conv3.weight");
    let depth = 2 + if bottlenecks { 3 } else { 2 } * blocks.iter().sum::<usize>();
    // The name of a relative that no recipe describes.
    let relative = |name: String| Some(format!("{name}, which this program does not have"));
    if blocks[0] > 0 && shapes.contains_key("conv1.0.weight") {
        return relative(format!("resnet{depth}d or another network with several convolutions in the stem"));
    }
    let [width, channels, kernel, _] = matrix("conv1.weight")?;
    if shapes.keys().any(|name| name.contains(".se.")) {
        return relative(format!("seresnet{depth}"));
    }
    if let ([inner, ..], [_, each, ..]) = (matrix("layer1.0.conv1.weight")?, matrix("layer1.0.conv2.weight")?)
        && bottlenecks
    {
        match (inner.checked_div(each), inner.checked_div(width)) {
            (Some(groups @ 2..), _) => return relative(format!("resnext{depth}_{groups}x{each}d")),
            (_, Some(times @ 2..)) => return relative(format!("wide_resnet{depth}_{times}")),
            _ => {}
        }
    }
    let form = match (kernel, blocks[3]) {
        (7, 1..) => "imagenet",
        (3, 1..) => "small",
        (3, 0) => "cifar",
        _ => return None,
    };
    if form != "cifar" && ![18, 34, 50, 101, 152].contains(&depth) {
        return relative(format!("resnet{depth}"));
    }
    Some(format!(
        "a residual network with depth = {depth}, form = \"{form}\", width = {width}, {channels} input channels"
    ))
}

fn vit(shapes: &HashMap<&str, &[usize]>) -> Option<String> {
    let &[width, channels, patch, _] = *shapes.get("patch_embed.proj.weight")? else { return None };
    let depth = (0..).take_while(|n| shapes.contains_key(format!("blocks.{n}.norm1.weight").as_str())).count();
    Some(format!(
        "a vision transformer with patch = {patch}, width = {width}, depth = {depth}, {channels} input channels"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shapes from torchvision 0.25 and timm 1.0.
    #[test]
    fn relatives_of_residual_networks_are_named() {
        let name = |stem: &[(&'static str, [usize; 4])], first: [usize; 4], second: [usize; 4], blocks: [usize; 4]| {
            let mut shapes: Vec<(String, Vec<usize>)> =
                stem.iter().map(|(name, shape)| ((*name).to_owned(), shape.to_vec())).collect();
            for (layer, count) in (1..).zip(blocks) {
                for block in 0..count {
                    let convolutions = [("conv1", first), ("conv2", second), ("conv3", [256, first[0], 1, 1])];
                    shapes.extend(convolutions.map(|(convolution, shape)| {
                        (format!("layer{layer}.{block}.{convolution}.weight"), shape.to_vec())
                    }));
                }
            }
            recognised(shapes.iter().map(|(name, shape)| (name.as_str(), shape.as_slice()))).unwrap()
        };
        let stem = [("conv1.weight", [64, 3, 7, 7])];
        let plain = ([64, 64, 1, 1], [64, 64, 3, 3]);
        assert_eq!(
            name(&stem, plain.0, plain.1, [3, 4, 6, 3]),
            "a residual network with depth = 50, form = \"imagenet\", width = 64, 3 input channels"
        );
        let relative = |expected: &str| format!("{expected}, which this program does not have");
        let wide = name(&stem, [128, 64, 1, 1], [128, 128, 3, 3], [3, 4, 23, 3]);
        assert_eq!(wide, relative("wide_resnet101_2"));
        let grouped = name(&stem, [128, 64, 1, 1], [128, 4, 3, 3], [3, 4, 6, 3]);
        assert_eq!(grouped, relative("resnext50_32x4d"));
        assert_eq!(name(&stem, plain.0, plain.1, [2, 2, 2, 2]), relative("resnet26"));
        let excited = [stem[0], ("layer1.0.se.fc1.weight", [16, 256, 1, 1])];
        assert_eq!(name(&excited, plain.0, plain.1, [3, 4, 6, 3]), relative("seresnet50"));
        let deep = [("conv1.0.weight", [32, 3, 3, 3])];
        assert!(name(&deep, plain.0, plain.1, [3, 4, 6, 3]).starts_with("resnet50d or"));
    }
}
