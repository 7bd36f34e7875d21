//! The folder of a study: `study.json`, `parts/` with a file for each finished part, and the results once all are there.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use softnce_store::{Folder, Manifest, Parts, StoreError, differences, read_json};
use softnce_train::runs::LAST;

use crate::StudyError;

const MANIFEST: &str = "study.json";

/// The manifest of a study.
#[derive(Debug, Serialize, Deserialize)]
struct StudyManifest {
    study: String,
    /// The revision of what the study does.
    revision: u32,
    settings: Value,
}

impl Manifest for StudyManifest {
    fn read(folder: &Path) -> Result<Option<Self>, StoreError> {
        read_json(&folder.join(MANIFEST), "name another folder with --out")
    }

    fn write(&self, folder: &Folder) -> Result<(), StoreError> {
        folder.write_sealed_json(MANIFEST, self)
    }

    fn differences(&self, found: &Self) -> Vec<String> {
        let named = |key: &str, there: &dyn std::fmt::Display, here: &dyn std::fmt::Display| {
            vec![format!("{key}: {there} there, {here} here")]
        };
        if found.study != self.study {
            return named("study", &found.study, &self.study);
        }
        let words = differences(&found.settings, &self.settings);
        if words.is_empty() && found.revision != self.revision {
            return named("revision", &found.revision, &self.revision);
        }
        words
    }

    fn has_work(folder: &Path) -> bool {
        is_started(folder)
    }
}

/// Whether a study, a comparison in it or one of their trainings has results.
fn is_started(folder: &Path) -> bool {
    let below = fs::read_dir(folder).into_iter().flatten().flatten();
    // Links are not followed: they may lead back to the folder.
    let mut folders = below.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    folder.join(LAST).exists() || !Parts::of(folder).is_empty() || folders.any(|entry| is_started(&entry.path()))
}

/// The name of the study that a folder holds; `None` if it holds none.
pub(crate) fn study_of(path: &Path) -> Result<Option<String>, StoreError> {
    Ok(StudyManifest::read(path)?.map(|manifest| manifest.study))
}

/// Opens or makes the folder of a study with these settings; the revision changes whenever trainings do.
pub(crate) fn open(path: &Path, study: &str, revision: u32, settings: &impl Serialize) -> Result<Folder, StudyError> {
    let settings = serde_json::to_value(settings).map_err(std::io::Error::from);
    let settings = settings.map_err(StoreError::file("write", path.join(MANIFEST)))?;
    Ok(Folder::open(path, "study", &StudyManifest { study: study.to_owned(), revision, settings })?)
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
        open(&path, "toy", 1, &first).unwrap().parts().write("a", &1).unwrap();
        let again = open(&path, "toy", 1, &first).unwrap();
        assert_eq!(again.parts().read("a", |_: &u32| true).unwrap(), Some(1));
        drop(again);
        let refused =
            |study, revision, settings: &Value| open(&path, study, revision, settings).unwrap_err().to_string();
        let error = refused("toy", 1, &json!({"seeds": 4, "steps": 10}));
        assert!(error.contains("holds a study with other settings (seeds: 3 there, 4 here);"), "{error}");
        let error = refused("graphs", 1, &first);
        assert!(error.contains("holds a study with other settings (study: toy there, graphs here);"), "{error}");
        let error = refused("toy", 2, &first);
        assert!(error.contains("holds a study with other settings (revision: 1 there, 2 here);"), "{error}");
    }

    #[test]
    fn a_study_that_kept_nothing_is_taken_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ablations");
        let open = |seeds: u32| super::open(&path, "ablations", 1, &json!({"seeds": seeds}));
        drop(open(3).unwrap());
        // A training that was refused before its first step.
        fs::create_dir_all(path.join("runs/a-seed0")).unwrap();
        fs::write(path.join("runs/a-seed0/recipe.toml"), "").unwrap();
        // Of links that lead back, all paths through both would take forever.
        #[cfg(unix)]
        ["one", "other"].iter().for_each(|link| std::os::unix::fs::symlink(&path, path.join(link)).unwrap());
        drop(open(4).unwrap());
        fs::write(path.join("runs/a-seed0").join(LAST), "").unwrap();
        assert!(open(3).unwrap_err().to_string().contains("seeds: 4 there, 3 here"));
        open(4).unwrap();
    }

    #[test]
    fn a_folder_of_something_else_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("thesis.txt"), "mine").unwrap();
        let error = open(folder.path(), "toy", 1, &json!({})).unwrap_err();
        assert!(matches!(error, StudyError::Store(StoreError::Foreign { kind: "study", .. })), "{error}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        fs::remove_file(folder.path().join("thesis.txt")).unwrap();
        fs::write(folder.path().join(MANIFEST), "{").unwrap();
        let error = open(folder.path(), "toy", 1, &json!({})).unwrap_err().to_string();
        assert!(error.contains("study.json is not valid: "), "{error}");
    }
}
