//! The weights that training starts from, if not from random ones.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use softnce_data::fetch::{MissingData, Registry};
use softnce_nn::models::Network;
use softnce_nn::weights::{self, Checkpoint, HeadImport, ImportOptions};
use softnce_store::{StoreError, checksum_of};

use super::error::RunError;
use super::files::BEST;
use crate::recipe::WeightsSection;

/// What a run started from, in its `run.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InitialWeights {
    /// The file.
    pub file: PathBuf,
    /// The run that wrote it, with its epoch; none for a checkpoint of another program.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// Path of the weights in the file; empty for its top.
    pub prefix: String,
    /// Number of tensors that were loaded.
    pub loaded: usize,
    /// Tensors of the network that kept their initial values.
    pub as_initialised: Vec<String>,
    /// Tensors of the file that were not used, each with the reason.
    pub skipped: Vec<String>,
}

/// Loads the weights that a recipe's section names into a network. Also returns notes for the user.
///
/// # Errors
/// A file that is not there, is no checkpoint or does not fit the network.
pub(super) fn load(
    network: Network,
    section: &WeightsSection,
    data_folder: &Path,
) -> Result<(Network, InitialWeights, Vec<String>), RunError> {
    let file = weights_file(section, data_folder)?;
    checksum_of(&file, "restore it from a copy, or name other weights")?;
    let options = ImportOptions {
        head: if section.head { HeadImport::Keep } else { HeadImport::Skip },
        grid: section.grid,
        prefix: section.prefix.clone(),
        ignore_unknown: section.ignore_unknown,
        ..ImportOptions::default()
    };
    let (network, report) = weights::import(network, Checkpoint::open(&file)?, &options)?;
    if report.loaded.is_empty() {
        let (found, expected) = ("false".to_owned(), "true: the whole network is its head".to_owned());
        return Err(RunError::Data { argument: "weights.head", found, expected });
    }
    let run = source(&file);
    let mut notes = Vec::new();
    let below = if report.prefix.is_empty() { String::new() } else { format!(" below {}", report.prefix) };
    let of = run.as_ref().map_or_else(String::new, |run| format!(" ({run})"));
    let fresh = match report.left_as_initialised.as_slice() {
        [] => String::new(),
        names => format!("; as initialised: {}", names.join(", ")),
    };
    notes.push(format!("{} tensors{below} from {}{of}{fresh}", report.loaded.len(), file.display()));
    if !report.others.is_empty() {
        notes.push(format!("the file also has them at {}; weights.prefix chooses", report.others.join(", ")));
    }
    if let Some([old, new]) = report.interpolated {
        let [old, new] = [old, new].map(|[rows, columns]| format!("{rows} x {columns}"));
        notes.push(format!("position embeddings interpolated from {old} to {new} patches"));
    }
    let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, reason) in &report.skipped {
        reasons.entry(reason).or_default().push(name);
    }
    notes.extend(reasons.iter().map(|(reason, names)| match names.split_at_checked(3) {
        Some((first, [_, ..])) => format!("not used: {} and {} more ({reason})", first.join(", "), names.len() - 3),
        _ => format!("not used: {} ({reason})", names.join(", ")),
    }));
    let skipped = report.skipped.iter().map(|(name, reason)| format!("{name} ({reason})")).collect();
    let (prefix, loaded, as_initialised) = (report.prefix, report.loaded.len(), report.left_as_initialised);
    Ok((network, InitialWeights { file, run, prefix, loaded, as_initialised, skipped }, notes))
}

/// The file to start from: in the data folder, as [`Registry::file`] finds it there, or in the current one. For the
/// folder of a run, its best weights.
///
/// # Errors
/// A file that does not exist, with what to do next; a folder without weights.
pub fn weights_file(section: &WeightsSection, data_folder: &Path) -> Result<PathBuf, RunError> {
    let path = &section.path;
    let places = [data_folder.join(path), path.to_owned()];
    if let Some(file) = places.iter().find_map(|place| best_of(place)) {
        return Ok(file);
    }
    Registry::known().file(data_folder, path, None).map_err(|source| match places.iter().find(|place| place.is_dir()) {
        Some(folder) => {
            let (path, missing) = (folder.clone(), BEST);
            StoreError::Missing { path, missing, remedy: "name a checkpoint, or the folder of a trained run" }.into()
        }
        None if path.is_absolute() => RunError::Missing { key: "weights.path", source },
        None => {
            let remedy = format!("it is not in the current folder either; {}", source.remedy);
            RunError::Missing { key: "weights.path", source: MissingData { remedy, ..source } }
        }
    })
}

fn best_of(place: &Path) -> Option<PathBuf> {
    let best = place.join(BEST);
    if place.is_file() { Some(place.to_owned()) } else { best.is_file().then_some(best) }
}

/// The run that wrote a file, in words.
fn source(file: &Path) -> Option<String> {
    let metadata = weights::read_metadata(file).ok()?;
    let name = metadata.get("recipe_name")?;
    Some(match metadata.get("epoch") {
        Some(epoch) => format!("run {name}, epoch {epoch}"),
        None => format!("run {name}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_the_data_folder_and_then_of_the_current_one() {
        let (data, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let write = |folder: &Path, name: &str| {
            let path = folder.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, b"x").unwrap();
            path
        };
        let find = |path: &Path, data: &Path| {
            let section =
                WeightsSection { path: path.to_owned(), head: false, grid: None, prefix: None, ignore_unknown: false };
            weights_file(&section, data)
        };
        let file = write(data.path(), "mae.pth");
        assert_eq!(find(Path::new("mae.pth"), data.path()).unwrap(), file);
        let best = write(other.path(), "runs/x/best.safetensors");
        assert_eq!(find(&other.path().join("runs/x"), data.path()).unwrap(), best);
        // A folder of this name in the data folder does not hide the run.
        std::fs::create_dir_all(data.path().join("x")).unwrap();
        let error = find(Path::new("x"), data.path()).unwrap_err().to_string();
        assert!(error.contains("best.safetensors"), "{error}");
        let error = find(Path::new("none.pth"), data.path()).unwrap_err();
        assert!(error.is_usage() && error.to_string().starts_with("weights.path: "), "{error}");
        let expected = "none.pth does not exist; it is not in the current folder either; relative paths start from";
        assert!(error.to_string().contains(expected), "{error}");
        // A file that can be downloaded, under any name of its folder.
        let mae = write(data.path(), "mae-vit-base/mae_pretrain_vit_base.pth");
        assert_eq!(find(Path::new("mae_pretrain_vit_base.pth"), data.path()).unwrap(), mae);
    }
}
