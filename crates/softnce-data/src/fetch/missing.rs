//! Data that is not there, and what to do next.

use std::path::{Path, PathBuf};

use thiserror::Error;

use super::cache::data_folder;
use super::registry::Registry;
use super::set::KnownSet;
use crate::sets;

/// A folder or file of data that does not exist, with what to do next.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{} does not exist; {remedy}", path.display())]
pub struct MissingData {
    /// Where it was expected.
    pub path: PathBuf,
    /// What to do next.
    pub remedy: String,
}

impl MissingData {
    /// `set`: the registered set that the path names, if it names one.
    pub(super) fn new(registry: &Registry, data: &Path, path: &Path, set: Option<&KnownSet>) -> Self {
        let place = data.join(path);
        let remedy = match set {
            Some(set) => format!(
                "{} downloads it, or name the folder that holds it with --data DIR or $SOFTNCE_DATA",
                command(set, data)
            ),
            None if path.is_absolute() => "correct the path".to_owned(),
            None => user_supplied(registry, data, path),
        };
        MissingData { path: place, remedy }
    }
}

/// What to do if the path names no registered set.
fn user_supplied(registry: &Registry, data: &Path, path: &Path) -> String {
    let here = if sets::exists(path) { "the working folder has it: add --data .; " } else { "" };
    let meant = path.to_str().and_then(|path| registry.nearest(path));
    let meant = meant.map(|name| format!("did you mean {name}? ")).unwrap_or_default();
    format!(
        "{here}{meant}relative paths start from the data folder, {}; name another with --data DIR or $SOFTNCE_DATA \
         (`softnce data fetch --help` lists the sets that can be downloaded)",
        data.display()
    )
}

/// The command that fetches a set into the data folder.
pub(super) fn command(set: &KnownSet, data: &Path) -> String {
    match data == data_folder(None) {
        true => format!("`softnce data fetch {}`", set.name),
        false => format!("`softnce data fetch {} --data {}`", set.name, quoted(data)),
    }
}

/// A path, quoted for a shell if it needs to be.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    match text.chars().all(|letter| letter.is_alphanumeric() || "/\\:._-+@%".contains(letter)) {
        true => text,
        false => format!("'{}'", text.replace('\'', "'\\''")),
    }
}
