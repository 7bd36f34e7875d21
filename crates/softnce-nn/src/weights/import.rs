//! Loads checkpoints of other programs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::checkpoint::Checkpoint;
use super::error::WeightsError;
use super::listing::Listed;
use super::named::{NamedTensor, apply, named};
use super::recognised::recognised;
use super::resample::bicubic;
use super::select::{Selection, all, select};
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
    /// Path in the checkpoint at or below which the weights are, such as `model_ema`. Default: found by the network's
    /// names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
}

impl Default for ImportOptions {
    fn default() -> ImportOptions {
        ImportOptions {
            head: HeadImport::Keep,
            interpolate: true,
            grid: None,
            norm_to_fc_norm: false,
            ignore_unknown: false,
            prefix: None,
        }
    }
}

/// Which tensors were loaded and which were not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ImportReport {
    /// Path of the weights in the checkpoint, without the wrappers of PyTorch; empty for the top of the file.
    pub prefix: String,
    /// Other paths that hold all of these tensors.
    pub others: Vec<String>,
    /// Tensors of the network that were loaded.
    pub loaded: Vec<String>,
    /// Tensors of the checkpoint that were not used, each with the reason.
    pub skipped: Vec<(String, String)>,
    /// Tensors of the network that keep their initial values.
    pub left_as_initialised: Vec<String>,
    /// Rows and columns of the patches in the checkpoint and in the network, if the position embeddings were interpolated.
    pub interpolated: Option<[[usize; 2]; 2]>,
}

/// Loads the weights of a checkpoint into a network.
///
/// The weights are found by the network's names: at the path in the checkpoint below which most of these are, such as
/// `state_dict` or `model`, with PyTorch's wrappers (`module`, `_orig_mod` and others) removed anywhere. Of several such
/// paths, averaged weights (`state_dict_ema`, `model_ema`) are taken. A linear head may have another usual name, such as
/// `classifier`, and lie beside the network. Tensors of other dictionaries are not read.
///
/// Accepts checkpoints of timm, of torchvision, and of masked autoencoders (He et al., arXiv 2111.06377), whose decoder
/// is skipped and reported.
///
/// # Errors
/// Within [`WeightsError::File`] for a file: [`WeightsError::MissingOf`] for tensors of the network that are neither in
/// the checkpoint nor left out by the options, [`WeightsError::Shape`] or [`WeightsError::Head`] for one of another
/// shape, [`WeightsError::Grid`] for position embeddings that do not fill their grid, [`WeightsError::NotNumbers`] for one
/// that cannot be read, [`WeightsError::NotOfNetwork`] for tensors that the network does not have; around these,
/// [`WeightsError::OtherNetwork`] if the checkpoint is known to be of another network. [`WeightsError::Prefix`] and
/// [`WeightsError::Ambiguous`] for a path, [`WeightsError::Format`] for a damaged file.
pub fn import(
    network: Network,
    checkpoint: impl Into<Checkpoint>,
    options: &ImportOptions,
) -> Result<(Network, ImportReport), WeightsError> {
    let checkpoint = checkpoint.into();
    fit(network, &checkpoint, options).map_err(|error| match checkpoint.path() {
        Some(path) => error.in_file(path),
        None => error,
    })
}

fn fit(
    network: Network,
    checkpoint: &Checkpoint,
    options: &ImportOptions,
) -> Result<(Network, ImportReport), WeightsError> {
    let initial = named(&network)?;
    let own: Vec<_> = initial.iter().map(|tensor| (tensor.name.clone(), tensor.shape.clone())).collect();
    let skips = |name: &str| options.head == HeadImport::Skip && network.body().is_head(name);
    let names = own.iter().map(|(name, _)| name.as_str());
    let head: Vec<&str> = names.filter(|name| network.body().is_head(name) && !skips(name)).collect();
    let selection = select(checkpoint, &own, |name| !skips(name), &head, options.prefix.as_deref())?;
    let kinds = kinds(checkpoint, &selection, &own);
    assemble(network, checkpoint, selection, initial, options).map_err(|error| match kinds {
        [Some(found), Some(own)] if found != own => WeightsError::OtherNetwork { error: Box::new(error), found, own },
        _ => error,
    })
}

/// What network the selected tensors are of, and what the own ones are of, where they can be recognised.
fn kinds(checkpoint: &Checkpoint, selection: &Selection, own: &[(String, Vec<usize>)]) -> [Option<String>; 2] {
    let found = selection.found.iter().map(|(name, number)| (name, *number));
    let rest = selection.rest.iter().map(|(name, number)| (name, *number));
    let shape = |number: usize| checkpoint.entries()[number].shape();
    let selected = found.chain(rest).filter_map(|(name, number)| Some((name.as_str(), shape(number)?)));
    [recognised(selected), recognised(own.iter().map(|(name, shape)| (name.as_str(), shape.as_slice())))]
}

fn assemble(
    network: Network,
    checkpoint: &Checkpoint,
    selection: Selection,
    initial: Vec<NamedTensor>,
    options: &ImportOptions,
) -> Result<(Network, ImportReport), WeightsError> {
    let skips = |name: &str| options.head == HeadImport::Skip && network.body().is_head(name);
    let Selection { prefix, others, mut found, mut rest } = selection;
    let count = initial.len();
    let mut report = ImportReport { prefix, others, ..ImportReport::default() };

    let (mut tensors, mut wanted, mut missing) = (BTreeMap::new(), Vec::new(), Vec::new());
    for own in initial {
        let name = own.name.clone();
        let number = if skips(&name) { None } else { found.remove(&name).or_else(|| norm(&mut rest, &name, options)) };
        match number {
            Some(number) => {
                check(&network, checkpoint, number, &own, options)?;
                wanted.push((number, own));
            }
            None if skips(&name) || name.starts_with("fc_norm.") => {
                tensors.insert(name.clone(), own);
                report.left_as_initialised.push(name);
            }
            None => missing.push((name, own.shape)),
        }
    }
    rest.extend(found);
    rest.sort_unstable();
    let mut unknown = Vec::new();
    for (name, number) in rest {
        match reason(&network, &name, options) {
            Some(reason) => report.skipped.push((name, reason.to_string())),
            None => unknown.push((name, number)),
        }
    }
    if !missing.is_empty() {
        // A path with few of the network's names matches by chance; the tensors of the whole file then say more.
        let listed = if 2 * missing.len() > count { all(checkpoint) } else { unknown };
        let shape = |number: usize| checkpoint.entries()[number].shape().map(<[usize]>::to_vec);
        let found = listed.into_iter().filter_map(|(name, number)| Some((name, shape(number)?))).collect();
        let only_head = missing.iter().all(|(name, _)| network.body().is_head(name));
        return Err(WeightsError::MissingOf { missing: Listed(missing), own: count, found, only_head });
    }
    if !unknown.is_empty() {
        return Err(WeightsError::NotOfNetwork { names: unknown.into_iter().map(|(name, _)| name).collect() });
    }
    let numbers: Vec<usize> = wanted.iter().map(|(number, _)| *number).collect();
    for (tensor, (_, own)) in checkpoint.read(&numbers)?.into_iter().zip(wanted) {
        if let Some(value) = tensor.values.iter().find(|value| !value.is_finite()) {
            let (name, what) = (own.name, format!("a tensor with the value {value}"));
            return Err(WeightsError::NotNumbers { name, what });
        }
        let values = match network.body().embedded_grid() {
            Some(grid) if own.name == "pos_embed" && options.interpolate => {
                match old_grid(&tensor, &own, grid, options.grid)? {
                    old if old == grid => tensor.values,
                    old => {
                        report.interpolated = Some([old, grid]);
                        resized(&tensor, old, grid)
                    }
                }
            }
            _ => tensor.values,
        };
        report.loaded.push(own.name.clone());
        tensors.insert(own.name.clone(), NamedTensor { values, ..own });
    }
    Ok((apply(network, &tensors)?, report))
}

/// The checkpoint's `norm` for the network's `fc_norm`, where the options ask for it.
fn norm(rest: &mut Vec<(String, usize)>, name: &str, options: &ImportOptions) -> Option<usize> {
    let part = name.strip_prefix("fc_norm.").filter(|_| options.norm_to_fc_norm)?;
    let place = rest.iter().position(|(name, _)| name.strip_prefix("norm.") == Some(part))?;
    Some(rest.remove(place).1)
}

/// Whether the tensor of this number fits the network's, before it is read.
fn check(
    network: &Network,
    checkpoint: &Checkpoint,
    number: usize,
    own: &NamedTensor,
    options: &ImportOptions,
) -> Result<(), WeightsError> {
    let (name, expected) = (own.name.clone(), own.shape.clone());
    let shape = checkpoint.shape(number)?;
    if shape == expected {
        return Ok(());
    }
    // Position embeddings may have other tokens, but none of another width.
    if let (Some(_), &[1, tokens, width], true) = (network.body().embedded_grid(), shape, options.interpolate)
        && name == "pos_embed"
        && tokens > 1
        && expected.last() == Some(&width)
    {
        return Ok(());
    }
    let shape = shape.to_vec();
    if network.body().is_head(&name) {
        return Err(WeightsError::Head { name, shape, expected });
    }
    Err(WeightsError::Shape { name, shape, expected })
}

/// Rows and columns of the patches that position embeddings of the checkpoint are for.
fn old_grid(
    tensor: &NamedTensor,
    own: &NamedTensor,
    grid: [usize; 2],
    given: Option<[usize; 2]>,
) -> Result<[usize; 2], WeightsError> {
    let tokens = tensor.shape[1];
    let square = [(tokens - 1).isqrt(); 2];
    let old = given.unwrap_or(if tensor.shape == own.shape { grid } else { square });
    if old[0].checked_mul(old[1]) == Some(tokens - 1) {
        return Ok(old);
    }
    Err(WeightsError::Grid { name: own.name.clone(), tokens, grid: given })
}

/// Position embeddings interpolated to another grid; the class token's does not change.
fn resized(tensor: &NamedTensor, old: [usize; 2], new: [usize; 2]) -> Vec<f32> {
    let width = tensor.shape[2];
    let (class, patches) = tensor.values.split_at(width);
    let mut values = class.to_vec();
    values.extend(bicubic(patches, old, new, width));
    values
}

/// The reason to skip a tensor that the network does not have; `None` if it is an error.
fn reason(network: &Network, name: &str, options: &ImportOptions) -> Option<&'static str> {
    let body = network.body();
    // timm once had a layer `pre_logits` before the head.
    if options.head == HeadImport::Skip && (body.is_head(name) || name.starts_with("pre_logits.")) {
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
