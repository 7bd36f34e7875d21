//! What network a set of tensors belongs to, for the error of a checkpoint that does not fit.

use std::collections::HashMap;

/// The residual network or vision transformer that has these tensors, in the words of a recipe: `a residual network with
/// depth = 50, form = "imagenet"`. `None` for any other.
///
/// # Shapes
/// As in PyTorch, with timm's names.
pub(super) fn recognised<'a>(tensors: impl Iterator<Item = (&'a str, &'a [usize])>) -> Option<String> {
    let shapes: HashMap<&str, &[usize]> = tensors.collect();
    resnet(&shapes).or_else(|| vit(&shapes))
}

fn resnet(shapes: &HashMap<&str, &[usize]>) -> Option<String> {
    let &[width, channels, kernel, _] = *shapes.get("conv1.weight")? else { return None };
    let layer = |layer: usize| {
        let first = |number: usize| format!("layer{layer}.{number}.conv1.weight");
        (0..).take_while(|&number| shapes.contains_key(first(number).as_str())).count()
    };
    let blocks = [1, 2, 3, 4].map(layer);
    let convolutions = if shapes.contains_key("layer1.0.conv3.weight") { 3 } else { 2 };
    let depth = 2 + convolutions * blocks.iter().sum::<usize>();
    let form = match (kernel, blocks[3]) {
        (7, 1..) => "imagenet",
        (3, 1..) => "small",
        (3, 0) => "cifar",
        _ => return None,
    };
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
