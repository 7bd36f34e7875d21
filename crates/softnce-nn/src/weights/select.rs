//! Finds the weights of a network among the tensors of a checkpoint.
//!
//! Programs keep weights at many paths: `state_dict`, `model`, `model.module`, `state_dict._orig_mod`. Rather than a list
//! of these, one rule: of all paths below which tensors have the network's names, the one with the most of them.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap, HashSet};

use super::checkpoint::Checkpoint;
use super::error::WeightsError;
use super::listing::Listed;
use super::torchvision::to_timm_names;

/// Wrappers of PyTorch, which insert a component into the name of each tensor: data parallel training, `torch.compile`,
/// fully sharded training, activation checkpoints, Lightning Fabric.
const WRAPPERS: [&str; 5] =
    ["module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module", "_forward_module"];

/// Keys of weights, the preferred ones first, where a checkpoint has as many tensors of the network at several paths.
const USUAL: [&str; 5] = ["state_dict", "model", "model_state_dict", "net", "network"];

/// Where the weights of a network are in a checkpoint.
#[derive(Debug, Default)]
pub(super) struct Selection {
    /// The path, without wrappers; empty for the top of the file.
    pub(super) prefix: String,
    /// Other paths at which all of these tensors are, too.
    pub(super) others: Vec<String>,
    /// Number of the entry of each of the network's names that was found.
    pub(super) found: BTreeMap<String, usize>,
    /// The other tensors at the path, with their names below it.
    pub(super) rest: Vec<(String, usize)>,
}

/// A tensor's name without the components that wrappers insert.
fn unwrapped(name: &str) -> String {
    name.split('.').filter(|part| !WRAPPERS.contains(part)).collect::<Vec<_>>().join(".")
}

/// Names of a linear head in libraries and in classes of users.
const HEADS: [&str; 6] = ["fc", "head", "head.fc", "heads.head", "classifier", "linear"];

/// Finds the weights. `counts`: whether a name of the network counts; those of a head that is not loaded do not.
/// `head`: the network's names of the head that is loaded. `wanted`: a path at or below which the weights are.
///
/// # Errors
/// [`WeightsError::Prefix`] if nothing is at the wanted path, [`WeightsError::Ambiguous`] if several paths fit equally,
/// [`WeightsError::Format`] for two tensors of one name.
pub(super) fn select(
    checkpoint: &Checkpoint,
    own: &[(String, Vec<usize>)],
    counts: impl Fn(&str) -> bool,
    head: &[&str],
    wanted: Option<&str>,
) -> Result<Selection, WeightsError> {
    let mut names: Vec<String> = checkpoint.entries().iter().map(|entry| unwrapped(&entry.name)).collect();
    to_timm_names(&mut names);
    let known: HashMap<&str, usize> = own.iter().enumerate().map(|(index, (name, _))| (name.as_str(), index)).collect();
    let wanted = wanted.map(unwrapped);
    let inside = |prefix: &str| wanted.as_deref().is_none_or(|wanted| below(prefix, wanted).is_some());

    let mut scores: BTreeMap<&str, Score> = BTreeMap::new();
    for (name, entry) in names.iter().zip(checkpoint.entries()) {
        for (prefix, suffix) in splits(name).filter(|(prefix, _)| inside(prefix)) {
            let Some((name, shape)) = known.get(suffix).map(|&index| &own[index]) else { continue };
            scores.entry(prefix).or_default().add(counts(name), entry.shape() == Some(shape.as_slice()));
        }
    }
    let Some((prefix, others)) = choose(&scores)? else {
        return match wanted {
            Some(prefix) => Err(WeightsError::Prefix { prefix, names: listed(checkpoint) }),
            None => Ok(Selection { rest: all(checkpoint), ..Selection::default() }),
        };
    };

    let mut selection = Selection { prefix: prefix.to_owned(), others, ..Selection::default() };
    let (mut groups, mut paths) = (HashSet::new(), HashSet::new());
    let at_path = || names.iter().enumerate().filter_map(move |(number, name)| Some((number, below(name, prefix)?)));
    for (number, name) in at_path().filter(|(_, name)| known.contains_key(name)) {
        let entry = &checkpoint.entries()[number];
        groups.insert(entry.group);
        paths.extend(entry.name.strip_suffix(name));
        if selection.found.insert(name.to_owned(), number).is_some() {
            return Err(
                checkpoint.wrong(format!("two tensors are called {name} without the names of PyTorch's wrappers"))
            );
        }
    }
    if head.iter().all(|name| !selection.found.contains_key(*name)) {
        selection.found.extend(other_head(&names, prefix, head));
    }
    let used: HashSet<usize> = selection.found.values().copied().collect();
    // Tensors of other dictionaries, such as an optimiser's state, do not belong to the weights; neither do those beside a
    // wrapper, such as the counter of PyTorch's averaged models.
    let belongs = |number: usize| {
        let entry = &checkpoint.entries()[number];
        let inside = paths.is_empty() || paths.iter().any(|path| entry.name.starts_with(path));
        inside && groups.contains(&entry.group)
    };
    let rest = at_path().filter(|(number, _)| !used.contains(number) && belongs(*number));
    selection.rest = rest.map(|(number, name)| (name.to_owned(), number)).collect();
    Ok(selection)
}

/// How well the tensors below a path fit; more is better, the first field decides.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Score {
    /// Names of the network that count.
    counted: usize,
    /// Those of them with the network's shape.
    fitting: usize,
    /// All names of the network.
    named: usize,
}

impl Score {
    fn add(&mut self, counts: bool, fits: bool) {
        self.counted += usize::from(counts);
        self.fitting += usize::from(counts && fits);
        self.named += 1;
    }
}

/// The path with the best score, and the others that share it; `None` without any path.
fn choose<'a>(scores: &BTreeMap<&'a str, Score>) -> Result<Option<(&'a str, Vec<String>)>, WeightsError> {
    let Some(&best) = scores.values().max() else { return Ok(None) };
    let mut prefixes: Vec<&str> =
        scores.iter().filter(|(_, score)| **score == best).map(|(prefix, _)| *prefix).collect();
    prefixes.sort_by_key(|prefix| rank(prefix));
    // Paths with few tensors of the right shape match by chance; the error about the shapes then says more.
    let plausible = 2 * best.fitting >= best.counted;
    match prefixes.as_slice() {
        [one, other, ..] if plausible && rank(one) == rank(other) => {
            Err(WeightsError::Ambiguous { paths: [shown(one), shown(other)] })
        }
        [one, others @ ..] => Ok(Some((*one, others.iter().map(|other| shown(other)).collect()))),
        [] => Ok(None),
    }
}

/// The numbers of a linear head that has another name than the network's, within the network or beside it, as in a model of
/// `backbone` and `classifier`. Empty if there is none, or more than one.
fn other_head(names: &[String], prefix: &str, head: &[&str]) -> Vec<(String, usize)> {
    let numbers: HashMap<&str, usize> = names.iter().map(String::as_str).zip(0..).collect();
    let beside = prefix.rsplit_once('.').map_or("", |(outer, _)| outer);
    let places = if prefix == beside { vec![prefix] } else { vec![prefix, beside] };
    let heads = places.into_iter().flat_map(|place| HEADS.map(|name| joined(place, name)));
    let mut found = heads.filter_map(|other| {
        let number = |own: &&str| match own.rsplit('.').next() {
            Some(part @ ("weight" | "bias")) => Some(((*own).to_owned(), *numbers.get(joined(&other, part).as_str())?)),
            _ => None,
        };
        if head.len() == 2 { head.iter().map(number).collect::<Option<Vec<_>>>() } else { None }
    });
    match (found.next(), found.next()) {
        (Some(one), None) => one,
        _ => Vec::new(),
    }
}

fn joined(prefix: &str, name: &str) -> String {
    if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") }
}

/// All tensors of a file: their names and numbers.
pub(super) fn all(checkpoint: &Checkpoint) -> Vec<(String, usize)> {
    checkpoint.entries().iter().map(|entry| entry.name.clone()).zip(0..).collect()
}

fn listed(checkpoint: &Checkpoint) -> Listed {
    checkpoint.tensors().map(|(name, shape)| (name.to_owned(), shape.to_vec())).collect()
}

/// All ways to cut a name into a path and a name below it.
fn splits(name: &str) -> impl Iterator<Item = (&str, &str)> {
    std::iter::once(("", name)).chain(name.match_indices('.').map(|(dot, _)| (&name[..dot], &name[dot + 1..])))
}

/// The rest of a path below another.
fn below<'a>(path: &'a str, prefix: &str) -> Option<&'a str> {
    if prefix.is_empty() || path == prefix {
        return Some(if prefix.is_empty() { path } else { "" });
    }
    path.strip_prefix(prefix)?.strip_prefix('.')
}

/// Averaged weights first, as in timm; then by the usual keys.
fn rank(prefix: &str) -> (bool, usize) {
    let averaged = prefix.split(['.', '_']).any(|part| ["ema", "swa", "average", "averaged"].contains(&part));
    let usual = |part: &str| USUAL.iter().position(|usual| *usual == part).unwrap_or(USUAL.len());
    (!averaged, prefix.split('.').map(usual).min().unwrap_or(USUAL.len()))
}

fn shown(prefix: &str) -> String {
    if prefix.is_empty() { "the top of the file".to_owned() } else { prefix.to_owned() }
}
