//! The names of idx files.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::ContentError;
use crate::sets::error::SetError;
use crate::sets::split::Split;

/// The files of one set: `NAME-PART-KIND-idxN-ubyte` with a name such as `emnist-balanced`, or without one.
pub(super) struct IdxFiles {
    pub(super) folder: PathBuf,
    /// The name before the part; empty for MNIST and the sets that replace it.
    pub(super) name: String,
}

/// The words for a part in file names; MNIST calls the test pictures `t10k`.
fn words(split: Split) -> &'static [&'static str] {
    match split {
        Split::Train => &["train"],
        Split::Validation | Split::Test => &["t10k", "test"],
    }
}

impl IdxFiles {
    /// The sets in the folder `root`, or in its folder `raw`, where torchvision keeps the files, or `gzip`, as EMNIST's
    /// archive has it. If there is no folder `root`, its last component is the name of a set in the folder above.
    pub(super) fn all(root: &Path) -> Result<Vec<IdxFiles>, SetError> {
        if !root.is_dir() {
            let (Some(folder), Some(name)) = (root.parent(), root.file_name().and_then(|name| name.to_str())) else {
                return Ok(Vec::new());
            };
            let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
            if !folder.is_dir() {
                return Ok(Vec::new());
            }
            let mut found = IdxFiles::all(folder)?;
            found.retain(|files| !name.is_empty() && files.name == name);
            return Ok(found);
        }
        for folder in [root.to_owned(), root.join("raw"), root.join("gzip")] {
            let names = if folder.is_dir() { set_names(&folder)? } else { BTreeSet::new() };
            if !names.is_empty() {
                return Ok(names.into_iter().map(|name| IdxFiles { folder: folder.clone(), name }).collect());
            }
        }
        Ok(Vec::new())
    }

    /// The set of this folder.
    pub(super) fn find(root: &Path) -> Result<IdxFiles, SetError> {
        let mut found = IdxFiles::all(root)?;
        // The names sort the set without a name first.
        let several = found.len() > 1 && !found[0].name.is_empty();
        if several {
            let names: Vec<&str> = found.iter().map(|files| files.name.as_str()).collect();
            let example = root.join(names[0]);
            let expected = format!("one: add its name to the path of the set, as in {}", example.display());
            return Err(ContentError::whole(
                root,
                format!("the files of several sets ({})", names.join(", ")),
                expected,
            ));
        }
        let none = || IdxFiles { folder: root.to_owned(), name: String::new() };
        Ok(if found.is_empty() { none() } else { found.swap_remove(0) })
    }

    /// The file with the characters of the classes, as EMNIST has one: `NAME-mapping.txt`; for a set without a name the
    /// only such file in its folder.
    pub(super) fn mapping(&self) -> Option<PathBuf> {
        const ENDING: &str = "-mapping.txt";
        if !self.name.is_empty() {
            return Some(self.folder.join(format!("{}{ENDING}", self.name)));
        }
        let files = fs::read_dir(&self.folder).ok()?.filter_map(Result::ok).map(|entry| entry.path());
        let mut found = files.filter(|path| path.to_string_lossy().ends_with(ENDING));
        found.next().filter(|_| found.next().is_none())
    }

    /// The file of a part and a kind (`images`, `labels`).
    pub(super) fn path(&self, split: Split, kind: &str, dimensions: usize) -> Result<PathBuf, SetError> {
        let separator = if self.name.is_empty() { "" } else { "-" };
        let mut first = None;
        for word in words(split) {
            for joint in ["-", "."] {
                let name = format!("{}{separator}{word}-{kind}{joint}idx{dimensions}-ubyte", self.name);
                let path = self.folder.join(name);
                for path in [path.clone(), path.with_added_extension("gz")] {
                    if path.is_file() {
                        return Ok(path);
                    }
                }
                first.get_or_insert(path);
            }
        }
        Err(SetError::Missing {
            path: first.unwrap_or_default(),
            expected: "the file under this name or with .gz, or with a dot before 'idx'".to_owned(),
        })
    }
}

/// The names of the sets with files of pictures in a folder.
fn set_names(folder: &Path) -> Result<BTreeSet<String>, SetError> {
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(folder).map_err(SetError::io(folder))? {
        let entry = entry.map_err(SetError::io(folder))?;
        let file = entry.file_name();
        if let Some(name) = file.to_str().and_then(set_name)
            && entry.path().is_file()
        {
            names.insert(name.to_owned());
        }
    }
    Ok(names)
}

/// The name of the set in the name of a file of pictures.
fn set_name(file: &str) -> Option<&str> {
    let file = file.strip_suffix(".gz").unwrap_or(file);
    let stem = file.strip_suffix("-images-idx3-ubyte").or_else(|| file.strip_suffix("-images.idx3-ubyte"))?;
    let before = Split::TRAIN_AND_TEST.into_iter().flat_map(words).find_map(|word| stem.strip_suffix(word))?;
    if before.is_empty() { Some(before) } else { before.strip_suffix('-') }
}
