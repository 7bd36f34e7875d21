//! The folder of a comparison: its configuration, its finished runs and its report, each written atomically.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{CompareConfig, CompareError};

/// `config.toml`, `parts/` with a file for each finished run, and the results once all are there.
#[derive(Debug, Clone)]
pub struct RunFolder {
    path: PathBuf,
}

const CONFIG: &str = "config.toml";
const PARTS: &str = "parts";

impl RunFolder {
    /// Opens or makes the folder and writes the configuration into it, or finds the same one there.
    ///
    /// # Errors
    /// A folder that cannot be made or written; one of another configuration; one that holds something else.
    pub fn open(path: &Path, config: &CompareConfig) -> Result<Self, CompareError> {
        let folder = RunFolder { path: path.to_owned() };
        let parts = path.join(PARTS);
        let file = path.join(CONFIG);
        match fs::read_to_string(&file) {
            Ok(text) => {
                let found: CompareConfig = toml::from_str(&text)
                    .map_err(|error| CompareError::Corrupt { path: file.clone(), reason: error.to_string() })?;
                if found != *config {
                    let differences = differences(&found, config);
                    return Err(CompareError::OtherConfiguration { path: path.to_owned(), differences });
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let occupied = fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some());
                if occupied {
                    return Err(CompareError::ForeignFolder { path: path.to_owned() });
                }
            }
            Err(source) => return Err(CompareError::File { action: "read", path: file, source }),
        }
        let failed = |source| CompareError::File { action: "write to", path: path.to_owned(), source };
        fs::create_dir_all(&parts).map_err(failed)?;
        let text = toml::to_string_pretty(config).map_err(|error| failed(io::Error::other(error)))?;
        // Written even where it is there already: whether the folder can be written must show before any training.
        folder.write(CONFIG, text.as_bytes())?;
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
        let failed = |source| CompareError::File { action: "write", path: path.clone(), source };
        let directory = path.parent().unwrap_or(&self.path);
        let mut file = tempfile::NamedTempFile::new_in(directory).map_err(failed)?;
        file.write_all(content).map_err(failed)?;
        file.as_file().sync_all().map_err(failed)?;
        widen_permissions(file.path()).map_err(failed)?;
        file.persist(&path).map_err(|error| failed(error.error))?;
        Ok(())
    }

    /// A finished part by name; `None` where it is not there.
    pub(super) fn read_part<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, CompareError> {
        let path = self.part(name);
        match fs::read(&path) {
            Ok(bytes) => match serde_json::from_slice(&bytes) {
                Ok(part) => Ok(Some(part)),
                Err(error) => Err(CompareError::Corrupt { path, reason: error.to_string() }),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(CompareError::File { action: "read", path, source }),
        }
    }

    /// Keeps a finished part.
    pub(super) fn write_part<T: Serialize>(&self, name: &str, part: &T) -> Result<(), CompareError> {
        self.write(&format!("{PARTS}/{name}.json"), &to_json(part, &self.part(name))?)
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

/// A temporary file is the owner's alone; what it becomes is for everybody the folder is for.
#[cfg(unix)]
fn widen_permissions(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn widen_permissions(_path: &Path) -> io::Result<()> {
    Ok(())
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
