//! A vision transformer in Python: timm's or torchvision's.

use super::config::Sizes;
use super::{Pool, VitConfig};
use crate::models::error::NetworkError;
use crate::models::layers::HeadKind;
use crate::models::library::Library;

impl VitConfig {
    /// Python that makes `model` with timm and loads `weights`.
    pub(super) fn in_timm(&self, input: [usize; 3], classes: usize) -> Result<Vec<String>, NetworkError> {
        let Sizes { width, depth, heads, .. } = self.sizes()?;
        let ([channels, height, across], patch, ratio) = (input, self.patch, self.mlp_ratio);
        let pool = match self.pool {
            Pool::Token => "token",
            Pool::Mean => "avg",
        };
        let bias = if self.qkv_bias { "True" } else { "False" };
        let mut lines = vec![
            "model = timm.models.vision_transformer.VisionTransformer(".to_owned(),
            format!(
                "    img_size=({height}, {across}), patch_size={patch}, in_chans={channels}, num_classes={classes},"
            ),
            format!("    embed_dim={width}, depth={depth}, num_heads={heads}, mlp_ratio={ratio:?}, qkv_bias={bias},"),
            format!(
                "    global_pool=\"{pool}\", norm_layer=functools.partial(torch.nn.LayerNorm, eps={:e}))",
                self.epsilon
            ),
        ];
        lines.extend(self.head_config(width, classes).in_python("model.head"));
        lines.push("model.load_state_dict(weights)".to_owned());
        Ok(lines)
    }

    /// Python that makes `model` with torchvision and loads `weights`.
    ///
    /// # Errors
    /// A transformer that torchvision does not have.
    pub(super) fn in_torchvision(&self, input: [usize; 3], classes: usize) -> Result<Vec<String>, NetworkError> {
        let [channels, height, width] = input;
        let refused = [
            (self.pool == Pool::Mean, "pool = \"mean\""),
            (!self.qkv_bias, "qkv_bias = false"),
            (self.head == HeadKind::Mlp, "head = \"mlp\""),
            (height != width, "pictures that are not square"),
            (channels != 3, "pictures without three channels"),
        ];
        if let Some((_, what)) = refused.into_iter().find(|(refused, _)| *refused) {
            let expected = format!("timm, because torchvision has no transformer for {what}");
            return Err(NetworkError::argument("names", Library::Torchvision, expected));
        }
        let Sizes { width, depth, heads, hidden } = self.sizes()?;
        Ok(vec![
            "model = torchvision.models.VisionTransformer(".to_owned(),
            format!("    image_size={height}, patch_size={}, num_layers={depth}, num_heads={heads},", self.patch),
            format!("    hidden_dim={width}, mlp_dim={hidden}, num_classes={classes},"),
            format!("    norm_layer=functools.partial(torch.nn.LayerNorm, eps={:e}))", self.epsilon),
            "model.load_state_dict(weights)".to_owned(),
        ])
    }
}
