//! The folder of a comparison: its configuration, its finished runs and its report, each written atomically.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use softnce_plot::file;

use super::{CompareConfig, CompareError};

/// `config.toml`, `parts/` with a file for each finished run, and the results once all are there.
#[derive(Debug, Clone)]
pub struct RunFolder {
    path: PathBuf,
}

const CONFIG: &str = "config.toml";
const PARTS: &str = "parts";
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A finished part with the version that made it.
#[derive(Serialize, Deserialize)]
struct Part<T> {
    version: String,
    content: T,
}

impl RunFolder {
    /// Opens or makes the folder and writes the configuration into it, or finds the same one there.
    ///
    /// # Errors
    /// A folder that cannot be made or written; one of another configuration; one that holds something else.
    pub fn open(path: &Path, config: &CompareConfig) -> Result<Self, CompareError> {
        let folder = RunFolder { path: path.to_owned() };
        let file = path.join(CONFIG);
        match fs::read_to_string(&file) {
            Ok(text) => {
                let found: CompareConfig = toml::from_str(&text).map_err(|error| {
                    CompareError::CorruptConfiguration { path: file.clone(), reason: error.to_string() }
                })?;
                if found != *config {
                    let differences = differences(&found, config);
                    return Err(CompareError::OtherConfiguration { path: path.to_owned(), differences });
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if is_occupied(path) {
                    return Err(CompareError::ForeignFolder { path: path.to_owned() });
                }
            }
            Err(source) => return Err(CompareError::File { action: "read", path: file, source }),
        }
        let failed = |source| CompareError::File { action: "write to", path: path.to_owned(), source };
        let text = toml::to_string_pretty(config).map_err(|error| failed(io::Error::other(error)))?;
        fs::create_dir_all(path).map_err(failed)?;
        // Written even where it is there already: whether the folder can be written must show before any training.
        // Before the folder of the parts, so that a kill in between leaves a folder that is known again.
        folder.write(CONFIG, text.as_bytes())?;
        fs::create_dir_all(path.join(PARTS)).map_err(failed)?;
        Ok(folder)
    }

    /// Where the folder is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a file, whole or not at all.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write(&self, name: &str, content: &[u8]) -> Result<(), CompareError> {
        let path = self.path.join(name);
        file::write(&path, content).map_err(|source| CompareError::File { action: "write", path, source })
    }

    /// A finished part by name, if it is the one that `is_it` expects there; `None` where it is not there.
    pub(super) fn read_part<T: DeserializeOwned>(
        &self,
        name: &str,
        is_it: impl Fn(&T) -> bool,
    ) -> Result<Option<T>, CompareError> {
        let path = self.part(name);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(CompareError::File { action: "read", path, source }),
        };
        match serde_json::from_slice::<Part<T>>(&bytes) {
            Ok(part) if part.version != VERSION => {
                Err(CompareError::OtherVersion { path, found: part.version, expected: VERSION })
            }
            Ok(part) if is_it(&part.content) => Ok(Some(part.content)),
            Ok(_) => Err(CompareError::Corrupt { path, reason: "it holds another run than its name says".into() }),
            Err(error) => Err(CompareError::Corrupt { path, reason: error.to_string() }),
        }
    }

    /// Keeps a finished part.
    pub(super) fn write_part<T: Serialize>(&self, name: &str, content: &T) -> Result<(), CompareError> {
        let part = Part { version: VERSION.to_owned(), content };
        self.write(&format!("{PARTS}/{name}.json"), &to_json(&part, &self.part(name))?)
    }

    fn part(&self, name: &str) -> PathBuf {
        self.path.join(PARTS).join(format!("{name}.json"))
    }
}

/// JSON with line breaks, for people and for `diff`.
pub(super) fn to_json<T: Serialize>(value: &T, path: &Path) -> Result<Vec<u8>, CompareError> {
    serde_json::to_vec_pretty(value).map_err(|error| CompareError::File {
        action: "write",
        path: path.to_owned(),
        source: error.into(),
    })
}

/// Whether a folder holds anything but what a comparison killed at its very start leaves behind.
fn is_occupied(path: &Path) -> bool {
    let Ok(entries) = fs::read_dir(path) else { return false };
    entries.flatten().any(|entry| {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let empty_parts = name == PARTS && fs::read_dir(entry.path()).is_ok_and(|mut parts| parts.next().is_none());
        !(name.starts_with(file::TEMPORARY) || empty_parts)
    })
}

/// The settings in which two configurations differ, in words.
fn differences(there: &CompareConfig, here: &CompareConfig) -> String {
    let (Ok(toml::Value::Table(there)), Ok(toml::Value::Table(here))) =
        (toml::Value::try_from(there), toml::Value::try_from(here))
    else {
        return "unknown".to_owned();
    };
    let differing = here.iter().filter(|(key, value)| there.get(*key) != Some(value));
    let words = differing.map(|(key, value)| match there.get(key) {
        Some(other) => format!("{key}: {other} there, {value} here"),
        None => format!("{key}: {value} here"),
    });
    words.collect::<Vec<_>>().join("; ")
}
