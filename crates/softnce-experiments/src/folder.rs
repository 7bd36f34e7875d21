//! The folder of a study: what it is, its finished parts, its results.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use softnce_store::file;
use softnce_store::parts::{Parts, is_occupied, write_json};

use crate::StudyError;

/// `study.json`, `parts/` with a file for each finished part, and the results once all are there.
#[derive(Debug, Clone)]
pub(crate) struct Folder {
    path: PathBuf,
    parts: Parts,
}

const MANIFEST: &str = "study.json";

/// What a folder holds.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Manifest {
    study: String,
    revision: u32,
    settings: Value,
}

impl Folder {
    /// Opens or makes the folder of a study with these settings; the revision changes whenever trainings do.
    pub(crate) fn open(path: &Path, study: &str, revision: u32, settings: &impl Serialize) -> Result<Self, StudyError> {
        let file = path.join(MANIFEST);
        let failed = |action, source| StudyError::File { action, path: file.clone(), source };
        let settings = serde_json::to_value(settings).map_err(|error| failed("write", error.into()))?;
        let manifest = Manifest { study: study.to_owned(), revision, settings };
        match fs::read(&file) {
            Ok(bytes) => {
                let found: Manifest =
                    serde_json::from_slice(&bytes).map_err(|error| failed("understand", error.into()))?;
                if found != manifest {
                    return Err(other(path, &found, &manifest));
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if is_occupied(path) {
                    return Err(StudyError::ForeignFolder { path: path.to_owned() });
                }
            }
            Err(source) => return Err(failed("read", source)),
        }
        fs::create_dir_all(path).map_err(|source| failed("write", source))?;
        // Written even where it is there already: whether the folder can be written must show before any training.
        write_json(&file, &manifest)?;
        Ok(Folder { path: path.to_owned(), parts: Parts::at(path.join("parts")) })
    }

    /// The finished parts.
    pub(crate) fn parts(&self) -> &Parts {
        &self.parts
    }

    /// Writes a file, whole or not at all.
    pub(crate) fn write(&self, name: &str, content: &[u8]) -> Result<(), StudyError> {
        let path = self.path.join(name);
        file::write(&path, content).map_err(|source| StudyError::File { action: "write", path, source })
    }

    /// Writes the rows of a table as CSV, whole or not at all.
    pub(crate) fn write_csv(&self, name: &str, rows: Result<Vec<u8>, csv::Error>) -> Result<(), StudyError> {
        let failed =
            |error: csv::Error| StudyError::File { action: "write", path: self.path.join(name), source: error.into() };
        self.write(name, &rows.map_err(failed)?)
    }

    /// Writes JSON, whole or not at all.
    pub(crate) fn write_json<T: Serialize>(&self, name: &str, value: &T) -> Result<(), StudyError> {
        Ok(write_json(&self.path.join(name), value)?)
    }
}

/// How many differing settings are named.
const MOST: usize = 3;

/// The error that names how two studies differ.
fn other(path: &Path, found: &Manifest, expected: &Manifest) -> StudyError {
    let words = |manifest: &Manifest, differing: &[String]| {
        let settings = differing.iter().take(MOST).map(|key| format!("{key} = {}", manifest.settings[key.as_str()]));
        let mut settings: Vec<String> = settings.collect();
        if differing.len() > MOST {
            settings.push(format!("{} more", differing.len() - MOST));
        }
        match settings.is_empty() {
            true => format!("the study {}", manifest.study),
            false => format!("the study {} with {}", manifest.study, settings.join(", ")),
        }
    };
    let keys = found.settings.as_object().into_iter().chain(expected.settings.as_object()).flat_map(|map| map.keys());
    let mut differing: Vec<String> =
        keys.filter(|key| found.settings[key.as_str()] != expected.settings[key.as_str()]).cloned().collect();
    differing.sort();
    differing.dedup();
    if found.study != expected.study {
        differing.clear();
    }
    if (&found.study, found.revision) != (&expected.study, expected.revision) && differing.is_empty() {
        let words = |manifest: &Manifest| format!("the study {}, revision {}", manifest.study, manifest.revision);
        let (found, expected) = (words(found), words(expected));
        return StudyError::OtherStudy { path: path.to_owned(), found, expected };
    }
    let (found, expected) = (words(found, &differing), words(expected, &differing));
    StudyError::OtherStudy { path: path.to_owned(), found, expected }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    #[test]
    fn the_same_study_goes_on_and_another_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("toy");
        let first = json!({"seeds": 3, "steps": 10});
        Folder::open(&path, "toy", 1, &first).unwrap().parts().write("a", &1).unwrap();
        let again = Folder::open(&path, "toy", 1, &first).unwrap();
        assert_eq!(again.parts().read("a", |_: &u32| true).unwrap(), Some(1));
        let error = Folder::open(&path, "toy", 1, &json!({"seeds": 4, "steps": 10})).unwrap_err().to_string();
        assert!(
            error.contains("holds the study toy with seeds = 3, expected the study toy with seeds = 4;"),
            "{error}"
        );
        let error = Folder::open(&path, "graphs", 1, &first).unwrap_err().to_string();
        assert!(error.contains("holds the study toy, revision 1, expected the study graphs, revision 1;"), "{error}");
        let error = Folder::open(&path, "toy", 2, &first).unwrap_err().to_string();
        assert!(error.contains("holds the study toy, revision 1, expected the study toy, revision 2;"), "{error}");
    }

    #[test]
    fn a_folder_of_something_else_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("thesis.txt"), "mine").unwrap();
        let error = Folder::open(folder.path(), "toy", 1, &json!({})).unwrap_err();
        assert!(matches!(error, StudyError::ForeignFolder { .. }), "{error}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        fs::remove_file(folder.path().join("thesis.txt")).unwrap();
        fs::write(folder.path().join(MANIFEST), "{").unwrap();
        let error = Folder::open(folder.path(), "toy", 1, &json!({})).unwrap_err().to_string();
        assert!(error.starts_with("cannot understand"), "{error}");
    }
}
