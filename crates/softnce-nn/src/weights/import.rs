//! Loads checkpoints of other programs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::error::WeightsError;
use super::named::{NamedTensor, apply, named};
use super::resample::bicubic;
use crate::models::Network;

/// Whether to load the head of a checkpoint.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HeadImport {
    /// Load it; the checkpoint must have a head of the network's shape.
    #[default]
    Keep,
    /// Keep the initial head of the network: for other classes, or a checkpoint without a head.
    Skip,
}

/// How to fit a checkpoint to a network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ImportOptions {
    /// Whether to load its head.
    pub head: HeadImport,
    /// Whether to interpolate position embeddings if the grid of patches differs.
    pub interpolate: bool,
    /// Rows and columns of patches of the checkpoint. Default: the network's grid if it has as many patches, else a
    /// square grid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grid: Option<[usize; 2]>,
    /// Whether a network that pools by mean loads the checkpoint's `norm` into its `fc_norm`, if the checkpoint has no
    /// `fc_norm`. MAE's fine-tuning keeps the initial `fc_norm`.
    pub norm_to_fc_norm: bool,
    /// Whether to report tensors that the network does not have, instead of an error.
    pub ignore_unknown: bool,
}

impl Default for ImportOptions {
    fn default() -> ImportOptions {
        ImportOptions {
            head: HeadImport::Keep,
            interpolate: true,
            grid: None,
            norm_to_fc_norm: false,
            ignore_unknown: false,
        }
    }
}

/// Which tensors were loaded and which were not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ImportReport {
    /// Tensors of the network that were loaded.
    pub loaded: Vec<String>,
    /// Tensors of the checkpoint that were not used, each with the reason.
    pub skipped: Vec<(String, String)>,
    /// Tensors of the network that keep their initial values.
    pub left_as_initialised: Vec<String>,
}

/// Loads the tensors of a checkpoint (see [`read_checkpoint`](super::read_checkpoint)) into a network.
///
/// Accepts checkpoints of timm, of torchvision, and of masked autoencoders (He et al., arXiv 2111.06377), whose decoder
/// is skipped and reported.
///
/// # Errors
/// [`WeightsError::Missing`] for a tensor of the network that is neither in the checkpoint nor left out by the options,
/// [`WeightsError::Shape`] for one of another shape, [`WeightsError::Grid`] for position embeddings that do not fill
/// their grid,
/// [`WeightsError::Unknown`] for tensors without a place in the network.
pub fn import(
    network: Network,
    mut checkpoint: BTreeMap<String, NamedTensor>,
    options: &ImportOptions,
) -> Result<(Network, ImportReport), WeightsError> {
    let mut report = ImportReport::default();
    let mut tensors = BTreeMap::new();
    let skips = |name: &str| options.head == HeadImport::Skip && network.body().is_head(name);
    for own in named(&network)? {
        let name = own.name.clone();
        let found = if skips(&name) { None } else { take(&mut checkpoint, &name, options) };
        match found {
            Some(tensor) => {
                let values = fitted(&network, tensor, &own, options)?;
                tensors.insert(name.clone(), NamedTensor { values, ..own });
                report.loaded.push(name);
            }
            None if skips(&name) || name.starts_with("fc_norm.") => {
                tensors.insert(name.clone(), own);
                report.left_as_initialised.push(name);
            }
            None => return Err(WeightsError::Missing { name, expected: own.shape }),
        }
    }
    let mut names = Vec::new();
    for name in checkpoint.into_keys() {
        match reason(&network, &name, options) {
            Some(reason) => report.skipped.push((name, reason.to_string())),
            None => names.push(name),
        }
    }
    if !names.is_empty() {
        return Err(WeightsError::Unknown { names });
    }
    Ok((apply(network, &tensors)?, report))
}

fn take(checkpoint: &mut BTreeMap<String, NamedTensor>, name: &str, options: &ImportOptions) -> Option<NamedTensor> {
    checkpoint.remove(name).or_else(|| {
        let part = name.strip_prefix("fc_norm.").filter(|_| options.norm_to_fc_norm)?;
        checkpoint.remove(&format!("norm.{part}"))
    })
}

/// The values in the network's shape.
fn fitted(
    network: &Network,
    tensor: NamedTensor,
    own: &NamedTensor,
    options: &ImportOptions,
) -> Result<Vec<f32>, WeightsError> {
    let NamedTensor { name, shape, values } = &tensor;
    let (name, shape) = (name.clone(), shape.clone());
    if values.len() != shape.iter().product::<usize>() {
        return Err(WeightsError::Values { name, values: values.len(), shape });
    }
    if let (Some(grid), "pos_embed", true) = (network.body().embedded_grid(), name.as_str(), options.interpolate) {
        return embedded(&tensor, own, grid, options.grid);
    }
    if shape == own.shape {
        Ok(tensor.values)
    } else {
        Err(WeightsError::Shape { name, shape, expected: own.shape.clone() })
    }
}

/// Position embeddings interpolated to the network's grid; the class token's does not change.
fn embedded(
    tensor: &NamedTensor,
    own: &NamedTensor,
    grid: [usize; 2],
    given: Option<[usize; 2]>,
) -> Result<Vec<f32>, WeightsError> {
    let NamedTensor { name, shape, values } = tensor;
    let (tokens, width) = match (shape.as_slice(), own.shape.as_slice()) {
        (&[1, tokens, width], &[1, _, expected]) if width == expected && tokens > 1 => (tokens, width),
        _ => return Err(WeightsError::Shape { name: name.clone(), shape: shape.clone(), expected: own.shape.clone() }),
    };
    let side = (tokens - 1).isqrt();
    let old = given.unwrap_or(if *shape == own.shape { grid } else { [side; 2] });
    if old[0].checked_mul(old[1]) != Some(tokens - 1) {
        return Err(WeightsError::Grid { name: name.clone(), tokens, grid: given });
    }
    if old == grid {
        return Ok(values.clone());
    }
    let (class, patches) = values.split_at(width);
    let mut fitted = class.to_vec();
    fitted.extend(bicubic(patches, old, grid, width));
    Ok(fitted)
}

/// The reason to skip a tensor that the network does not have; `None` if it is an error.
fn reason(network: &Network, name: &str, options: &ImportOptions) -> Option<&'static str> {
    let body = network.body();
    if options.head == HeadImport::Skip && body.is_head(name) {
        Some("the network keeps its initial head")
    } else if name.starts_with("decoder_") || name == "mask_token" {
        Some("belongs to the decoder of a masked autoencoder")
    } else if name.ends_with(".num_batches_tracked") {
        Some("a counter that only PyTorch keeps")
    } else if name.starts_with("norm.") && body.pools_by_mean() {
        Some("the network pools by mean and normalises after it")
    } else if options.ignore_unknown {
        Some("the network has no tensor of this name")
    } else {
        None
    }
}
