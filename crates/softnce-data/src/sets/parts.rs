//! The folders of the parts of a set: `train`, `val`, `test` and their usual other names.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::error::SetError;
use super::listing::{FolderContent, list};
use super::split::Split;
use crate::ContentError;

/// The folders of the parts that a set has.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Parts {
    pub(super) train: Option<PathBuf>,
    /// Only if there is a folder for testing, too.
    pub(super) validation: Option<PathBuf>,
    /// The folder for testing; if there is none, the one for validation.
    pub(super) test: Option<PathBuf>,
    /// What else lies in the root: files, and folders that are no part.
    pub(super) others: Vec<OsString>,
}

/// The usual names of the folder of a part, in lower case.
fn names(part: Split) -> &'static [&'static str] {
    match part {
        Split::Train => &["train", "training"],
        Split::Validation => &["val", "valid", "validation", "dev"],
        Split::Test => &["test", "testing"],
    }
}

/// Whether a folder of this name is the one of a part.
pub(super) fn is_part(folder: &OsStr, part: Split) -> bool {
    names(part).iter().any(|known| folder.eq_ignore_ascii_case(known))
}

impl Parts {
    /// Finds the folders of the parts in `root`.
    ///
    /// `is_labelled`: whether the classes of the pictures in a folder are known. A folder for validation or for testing
    /// without labels is no part: the labels of ImageNet's test pictures are not published.
    ///
    /// # Errors
    /// A folder that cannot be read; two folders for one part.
    pub(super) fn find(root: &Path, is_labelled: impl Fn(&Path) -> bool) -> Result<Self, SetError> {
        let FolderContent { folders, files, left_out } = list(root)?;
        let find = |part| -> Result<Option<PathBuf>, SetError> {
            let mut found = folders.iter().filter(|name| is_part(name, part));
            match (found.next(), found.next()) {
                (Some(one), Some(other)) => {
                    let found = format!("has both {} and {}", one.display(), other.display());
                    Err(ContentError::whole(root, found, format!("one folder of the {part} part")))
                }
                (one, _) => Ok(one.map(|name| root.join(name))),
            }
        };
        let labelled = |part| Ok::<_, SetError>(find(part)?.filter(|folder| is_labelled(folder)));
        let train = find(Split::Train)?;
        let (mut validation, mut test) = (labelled(Split::Validation)?, labelled(Split::Test)?);
        if test.is_none() {
            test = validation.take();
        }
        let mut others = [folders, files, left_out].concat();
        others.retain(|name| ![&train, &validation, &test].contains(&&Some(root.join(name))));
        Ok(Parts { train, validation, test, others })
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
            let sought = if part == Split::Test { &[part, Split::Validation][..] } else { &[part] };
            let unlabelled = self.others.iter().find(|name| sought.iter().any(|&part| is_part(name, part)));
            let reason = match unlabelled {
                Some(name) => format!("{} has no folder of a class", root.join(name).display()),
                None => {
                    let sought = sought.iter().flat_map(|&part| names(part)).map(|name| format!("{name}/"));
                    format!("it has no folder {}", sought.collect::<Vec<_>>().join(", "))
                }
            };
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
        let cases: [(&[&str], [&str; 3]); 12] = [
            (&["train/ant", "val/ant", "test/ant"], ["train", "val", "test"]),
            (&["Training/ant", "Validation/ant", "Testing/ant"], ["Training", "Validation", "Testing"]),
            (&["train/ant", "valid/ant"], ["train", "", "valid"]),
            (&["train/ant", "dev/ant", "test/ant"], ["train", "dev", "test"]),
            (&["train/ant", "test/ant"], ["train", "", "test"]),
            (&["train/ant"], ["train", "", ""]),
            // Test pictures without labels.
            (&["train/ant", "val/ant", "test/images"], ["train", "", "val"]),
            (&["train/ant", "val", "test/ant"], ["train", "", "test"]),
            (&["train/ant", "val/bee", "test"], ["train", "", ""]),
            (&["train/ant", "test/images"], ["train", "", ""]),
            (&["TRAIN/ant", "VAL/ant"], ["TRAIN", "", "VAL"]),
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
        let (root, _) = find(&["train/ant", "val/ant", "test/images", "holdout/ant", "__MACOSX"]);
        fs::write(root.path().join("readme.txt"), "").unwrap();
        let parts = Parts::find(root.path(), |folder| folder.join("ant").is_dir()).unwrap();
        assert_eq!(parts.others, ["holdout", "test", "readme.txt", "__MACOSX"]);
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
        let (root, parts) = find(&["train/ant", "test/images"]);
        let message = parts.unwrap().folder(root.path(), Split::Test).unwrap_err().to_string();
        let expected = format!("no test part: {} has no folder of a class; ", root.path().join("test").display());
        assert!(message.contains(&expected) && message.contains("data.test_share"), "{message}");
    }
}
