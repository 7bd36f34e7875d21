//! Finished parts of something longer: a folder with a JSON file for each, written whole or not at all.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::file;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Why a part could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PartsError {
    /// A file or folder could not be read or written.
    #[error("cannot {action} {path}: {source}", path = .path.display())]
    File {
        /// What was attempted.
        action: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A part cannot be understood.
    #[error("{path} cannot be understood: {reason}; remove it to have its run repeated", path = .path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A part was written by another version.
    #[error(
        "{path} was written by softnce {found}, this is {expected}; name another folder with --out",
        path = .path.display()
    )]
    OtherVersion {
        /// The file.
        path: PathBuf,
        /// Version that wrote it.
        found: String,
        /// Version of this program.
        expected: &'static str,
    },
}

/// A folder of parts.
#[derive(Debug, Clone)]
pub struct Parts {
    path: PathBuf,
}

/// A finished part with the version that made it.
#[derive(Serialize, Deserialize)]
struct Part<T> {
    version: String,
    content: T,
}

impl Parts {
    /// The parts in this folder, which the first of them makes.
    pub fn at(path: PathBuf) -> Self {
        Parts { path }
    }

    /// A finished part by name, if it is the one that `is_it` expects there; `None` where it is not there.
    ///
    /// # Errors
    /// A file that cannot be read or understood, is of another version, or holds another part.
    pub fn read<T: DeserializeOwned>(&self, name: &str, is_it: impl Fn(&T) -> bool) -> Result<Option<T>, PartsError> {
        let path = self.file(name);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(PartsError::File { action: "read", path, source }),
        };
        match serde_json::from_slice::<Part<T>>(&bytes) {
            Ok(part) if part.version != VERSION => {
                Err(PartsError::OtherVersion { path, found: part.version, expected: VERSION })
            }
            Ok(part) if is_it(&part.content) => Ok(Some(part.content)),
            Ok(_) => Err(PartsError::Corrupt { path, reason: "it holds another run than its name says".into() }),
            Err(error) => Err(PartsError::Corrupt { path, reason: error.to_string() }),
        }
    }

    /// Keeps a finished part.
    ///
    /// # Errors
    /// A file that cannot be written; what was there before stays.
    pub fn write<T: Serialize>(&self, name: &str, content: &T) -> Result<(), PartsError> {
        let failed = |source| PartsError::File { action: "write to", path: self.path.clone(), source };
        fs::create_dir_all(&self.path).map_err(failed)?;
        write_json(&self.file(name), &Part { version: VERSION.to_owned(), content })
    }

    fn file(&self, name: &str) -> PathBuf {
        self.path.join(format!("{name}.json"))
    }
}

/// Whether a folder holds anything but what a kill at the very start leaves behind: files that were not written whole.
pub fn is_occupied(path: &Path) -> bool {
    let Ok(entries) = fs::read_dir(path) else { return false };
    entries.flatten().any(|entry| !entry.file_name().to_string_lossy().starts_with(file::TEMPORARY))
}

/// Writes JSON with line breaks, for people and for `diff`, whole or not at all.
///
/// # Errors
/// A value without JSON, a file that cannot be written.
pub fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<(), PartsError> {
    let failed = |source| PartsError::File { action: "write", path: path.to_owned(), source };
    let bytes = serde_json::to_vec_pretty(value).map_err(|error| failed(error.into()))?;
    file::write(path, &bytes).map_err(failed)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_part_comes_back_and_another_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let parts = Parts::at(folder.path().join("parts"));
        assert_eq!(parts.read::<u32>("a", |_| true).unwrap(), None);
        parts.write("a", &7).unwrap();
        assert_eq!(parts.read("a", |&found: &u32| found == 7).unwrap(), Some(7));
        let error = parts.read("a", |&found: &u32| found == 8).unwrap_err().to_string();
        assert!(error.contains("a.json cannot be understood: it holds another run"), "{error}");
        fs::write(folder.path().join("parts/b.json"), "{\"version\": \"0.0.1\", \"content\": 3}").unwrap();
        let error = parts.read::<u32>("b", |_| true).unwrap_err().to_string();
        assert!(error.contains("was written by softnce 0.0.1, this is"), "{error}");
        fs::write(folder.path().join("parts/c.json"), "{\"version\"").unwrap();
        let error = parts.read::<u32>("c", |_| true).unwrap_err();
        assert!(matches!(error, PartsError::Corrupt { .. }), "{error}");
    }
}
