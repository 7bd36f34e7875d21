//! The folders of the parts of a set: `train`, `val`, `test` and their usual other names.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::error::SetError;
use super::listing::list;
use super::split::Split;
use crate::ContentError;

/// The folders of the parts that a set has.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Parts {
    pub(super) train: Option<PathBuf>,
    /// Only if there is a folder for testing, too.
    pub(super) validation: Option<PathBuf>,
    /// The folder for testing; if there is none, the one for validation.
    pub(super) test: Option<PathBuf>,
    /// Folders that are no part.
    pub(super) others: Vec<OsString>,
}

/// The usual names of the folder of a part, in lower case.
pub(super) fn names(part: Split) -> &'static [&'static str] {
    match part {
        Split::Train => &["train", "training"],
        Split::Validation => &["val", "valid", "validation", "dev"],
        Split::Test => &["test", "testing"],
    }
}

impl Parts {
    /// Finds the folders of the parts in `root`.
    ///
    /// `is_labelled`: whether the classes of the pictures in a folder are known. Of the folders for validation and for
    /// testing, only one needs to be labelled: the labels of ImageNet's test pictures are not published.
    ///
    /// # Errors
    /// A folder that cannot be read; two folders for one part.
    pub(super) fn find(root: &Path, is_labelled: impl Fn(&Path) -> bool) -> Result<Self, SetError> {
        let folders = list(root)?.folders;
        let mut parts = Parts::default();
        let find = |part| -> Result<Option<PathBuf>, SetError> {
            let known = names(part);
            let is_it = |name: &&OsString| known.iter().any(|known| name.eq_ignore_ascii_case(known));
            let mut found = folders.iter().filter(is_it);
            match (found.next(), found.next()) {
                (Some(one), Some(other)) => {
                    let found = format!("has both {} and {}", one.display(), other.display());
                    Err(ContentError::whole(root, found, format!("one folder of the {part} part")))
                }
                (one, _) => Ok(one.map(|name| root.join(name))),
            }
        };
        parts.train = find(Split::Train)?;
        let (validation, test) = (find(Split::Validation)?, find(Split::Test)?);
        let is_known = |name: &OsString| {
            Split::ALL.iter().any(|&part| names(part).iter().any(|known| name.eq_ignore_ascii_case(known)))
        };
        parts.others.extend(folders.iter().filter(|name| !is_known(name)).cloned());
        let (Some(validation), Some(test)) = (&validation, &test) else {
            parts.test = test.or(validation);
            return Ok(parts);
        };
        let (test, other) = match (is_labelled(validation), is_labelled(test)) {
            (true, true) => {
                parts.validation = Some(validation.clone());
                (test, None)
            }
            (false, true) => (test, Some(validation)),
            (_, false) => (validation, Some(test)),
        };
        parts.test = Some(test.clone());
        parts.others.extend(other.and_then(|path| path.file_name()).map(OsStr::to_owned));
        Ok(parts)
    }

    /// The folder of a part.
    ///
    /// # Errors
    /// A part that the set does not have.
    pub(super) fn folder(&self, root: &Path, part: Split) -> Result<&Path, SetError> {
        let folder = match part {
            Split::Train => &self.train,
            Split::Validation => &self.validation,
            Split::Test => &self.test,
        };
        folder.as_deref().ok_or_else(|| {
            // A validation part alone is the one for testing.
            let also = if part == Split::Test { names(Split::Validation) } else { &[] };
            let sought: Vec<String> = names(part).iter().chain(also).map(|name| format!("{name}/")).collect();
            let reason = format!("it has no folder {}", sought.join(", "));
            SetError::NoPart { path: root.to_owned(), part, reason }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn find(folders: &[&str]) -> (tempfile::TempDir, Result<Parts, SetError>) {
        let root = tempfile::tempdir().unwrap();
        for folder in folders {
            fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        let parts = Parts::find(root.path(), |folder| folder.join("ant").is_dir());
        (root, parts)
    }

    #[test]
    fn the_usual_names_are_known() {
        // Folders, and which of them are the parts for training, validation and testing.
        let cases: [(&[&str], [&str; 3]); 10] = [
            (&["train/ant", "val/ant", "test/ant"], ["train", "val", "test"]),
            (&["Training/ant", "Validation/ant", "Testing/ant"], ["Training", "Validation", "Testing"]),
            (&["train/ant", "valid/ant"], ["train", "", "valid"]),
            (&["train/ant", "dev/ant", "test/ant"], ["train", "dev", "test"]),
            (&["train/ant", "test/ant"], ["train", "", "test"]),
            (&["train/ant"], ["train", "", ""]),
            // Test pictures without labels.
            (&["train/ant", "val/ant", "test/images"], ["train", "", "val"]),
            (&["train/ant", "val", "test/ant"], ["train", "", "test"]),
            (&["train/ant", "val/bee", "test"], ["train", "", "val"]),
            (&["val/ant", "test/ant"], ["", "val", "test"]),
        ];
        for (folders, expected) in cases {
            let (root, parts) = find(folders);
            let parts = parts.unwrap();
            let name = |part: &Option<PathBuf>| match part {
                Some(path) => path.strip_prefix(root.path()).unwrap().display().to_string(),
                None => String::new(),
            };
            assert_eq!([&parts.train, &parts.validation, &parts.test].map(name), expected, "{folders:?}");
        }
    }

    #[test]
    fn what_is_no_part_is_named() {
        let (_root, parts) = find(&["train/ant", "val/ant", "test/images", "holdout/ant"]);
        assert_eq!(parts.unwrap().others, ["holdout", "test"]);
        let (root, parts) = find(&["train/ant", "val/ant", "valid/ant"]);
        let message = parts.unwrap_err().to_string();
        assert_eq!(
            message,
            format!("{}: has both val and valid; expected one folder of the validation part", root.path().display())
        );
        let (root, parts) = find(&["train/ant"]);
        let message = parts.unwrap().folder(root.path(), Split::Test).unwrap_err().to_string();
        assert!(
            message.contains("no folder test/, testing/, val/") && message.contains("data.test_share"),
            "{message}"
        );
    }
}
