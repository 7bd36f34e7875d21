//! Names of torchvision's vision transformers. Its residual networks have the same names as timm's.

use super::error::WeightsError;
use super::named::NamedTensor;

/// Name in timm and in torchvision of the tensors outside the blocks.
const OUTSIDE: [(&str, &str); 8] = [
    ("cls_token", "class_token"),
    ("pos_embed", "encoder.pos_embedding"),
    ("patch_embed.proj.weight", "conv_proj.weight"),
    ("patch_embed.proj.bias", "conv_proj.bias"),
    ("norm.weight", "encoder.ln.weight"),
    ("norm.bias", "encoder.ln.bias"),
    ("head.weight", "heads.head.weight"),
    ("head.bias", "heads.head.bias"),
];

/// The same of the tensors of a block, behind `blocks.N.` and `encoder.layers.encoder_layer_N.`.
const INSIDE: [(&str, &str); 12] = [
    ("norm1.weight", "ln_1.weight"),
    ("norm1.bias", "ln_1.bias"),
    ("attn.qkv.weight", "self_attention.in_proj_weight"),
    ("attn.qkv.bias", "self_attention.in_proj_bias"),
    ("attn.proj.weight", "self_attention.out_proj.weight"),
    ("attn.proj.bias", "self_attention.out_proj.bias"),
    ("norm2.weight", "ln_2.weight"),
    ("norm2.bias", "ln_2.bias"),
    ("mlp.fc1.weight", "mlp.0.weight"),
    ("mlp.fc1.bias", "mlp.0.bias"),
    ("mlp.fc2.weight", "mlp.3.weight"),
    ("mlp.fc2.bias", "mlp.3.bias"),
];

/// The start of the name of a block's tensors in torchvision.
const BLOCK: &str = "encoder.layers.encoder_layer_";

/// timm's name of a tensor of torchvision's vision transformer. Files of torchvision before 0.14 have `mlp.linear_1` and
/// `mlp.linear_2`.
fn to_timm(name: &str) -> Option<String> {
    if let Some((timm, _)) = OUTSIDE.iter().find(|(_, torchvision)| *torchvision == name) {
        return Some((*timm).to_owned());
    }
    if let Some(part) = name.strip_prefix("heads.") {
        return Some(format!("head.{part}"));
    }
    let (number, part) = name.strip_prefix(BLOCK)?.split_once('.')?;
    let part = part.replace("mlp.linear_1.", "mlp.0.").replace("mlp.linear_2.", "mlp.3.");
    let (timm, _) = INSIDE.iter().find(|(_, torchvision)| *torchvision == part)?;
    Some(format!("blocks.{number}.{timm}"))
}

/// torchvision's name of a tensor of timm's vision transformer.
fn from_timm(name: &str) -> Option<String> {
    if let Some((_, torchvision)) = OUTSIDE.iter().find(|(timm, _)| *timm == name) {
        return Some((*torchvision).to_owned());
    }
    let (number, part) = name.strip_prefix("blocks.")?.split_once('.')?;
    let (_, torchvision) = INSIDE.iter().find(|(timm, _)| *timm == part)?;
    Some(format!("{BLOCK}{number}.{torchvision}"))
}

/// Gives the tensors of torchvision's vision transformer timm's names; those of any other network stay. The names may have a
/// path before them.
pub(super) fn to_timm_names(names: &mut [String]) {
    if !names.iter().any(|name| name.contains(BLOCK)) {
        return;
    }
    for name in names {
        let starts = std::iter::once(0).chain(name.match_indices('.').map(|(dot, _)| dot + 1));
        let found = starts.map(|start| (start, to_timm(&name[start..]))).find(|(_, timm)| timm.is_some());
        if let Some((start, Some(timm))) = found {
            name.replace_range(start.., &timm);
        }
    }
}

/// The tensors of a network under torchvision's names. Those of a residual network have them already.
///
/// # Errors
/// [`WeightsError::Names`] for a transformer that torchvision does not have: one that pools by mean, has no biases of
/// queries, keys and values, or has a head of several layers.
pub fn with_torchvision_names(tensors: Vec<NamedTensor>) -> Result<Vec<NamedTensor>, WeightsError> {
    if !tensors.iter().any(|tensor| tensor.name == "cls_token") {
        return Ok(tensors);
    }
    if !tensors.iter().any(|tensor| tensor.name.ends_with(".attn.qkv.bias")) {
        return Err(WeightsError::Names { name: "attn.qkv.weight without attn.qkv.bias".to_owned() });
    }
    let renamed = |tensor: NamedTensor| match from_timm(&tensor.name) {
        Some(name) => Ok(NamedTensor { name, ..tensor }),
        None => Err(WeightsError::Names { name: tensor.name }),
    };
    tensors.into_iter().map(renamed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_goes_there_and_back() {
        let inside = INSIDE.iter().map(|(part, _)| format!("blocks.11.{part}"));
        for name in OUTSIDE.iter().map(|(name, _)| (*name).to_owned()).chain(inside) {
            let torchvision = from_timm(&name).unwrap();
            assert_ne!(torchvision, name);
            assert_eq!(to_timm(&torchvision), Some(name));
        }
        let older = to_timm("encoder.layers.encoder_layer_2.mlp.linear_2.bias");
        assert_eq!(older.as_deref(), Some("blocks.2.mlp.fc2.bias"));
        // A layer before the last one is a part of the head, too.
        assert_eq!(to_timm("heads.pre_logits.weight").as_deref(), Some("head.pre_logits.weight"));
        assert_eq!(to_timm("encoder.layers.encoder_layer_2.ln_3.bias"), None);
        assert_eq!(from_timm("fc_norm.weight"), None);
    }

    #[test]
    fn names_behind_a_path_are_renamed_and_those_of_other_networks_are_not() {
        let owned = |names: [&str; 3]| names.map(str::to_owned);
        let mut names = owned(["model.class_token", "model.encoder.layers.encoder_layer_0.ln_1.bias", "epoch"]);
        to_timm_names(&mut names);
        assert_eq!(names, owned(["model.cls_token", "model.blocks.0.norm1.bias", "epoch"]));
        let mut names = owned(["class_token", "heads.head.bias", "encoder.ln.weight"]);
        to_timm_names(&mut names);
        assert_eq!(names, owned(["class_token", "heads.head.bias", "encoder.ln.weight"]));
    }
}
