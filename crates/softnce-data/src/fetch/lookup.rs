//! Finds the folders and files of sets in the data folder.
//!
//! A recipe names a set by its registered name or by any folder in which users have it; the set is then looked for in all
//! of them. So a recipe finds what `softnce data fetch` has written as well as what users unpacked themselves.

use std::iter::once;
use std::path::{Path, PathBuf};

use super::missing::{MissingData, command};
use super::registry::Registry;
use super::set::{Content, KnownSet, RemoteFile, SetKind};
use crate::sets::{self, Layout};

impl Registry {
    /// The folder that `path` names, which starts from the data folder unless it is absolute.
    ///
    /// The path itself comes first. If it names a registered set, the set's other folders follow; a folder that shows the
    /// set is preferred to one that does not, such as that of an interrupted download.
    ///
    /// # Errors
    /// [`MissingData`] if there is no such folder, with what to do next.
    pub fn folder(&self, data: &Path, path: &Path) -> Result<PathBuf, MissingData> {
        let named = data.join(path);
        let Some(set) = self.set_of(path) else {
            return if sets::exists(&named) { Ok(named) } else { Err(MissingData::new(self, data, path, None)) };
        };
        let unpacked_inside = match &set.content {
            Content::Archive { top, .. } => Some(data.join(&set.name).join(top)),
            Content::Files { .. } => None,
        };
        let places = once(named).chain(set.folders().map(|folder| data.join(folder))).chain(unpacked_inside);
        let there: Vec<PathBuf> = places.filter(|place| place.is_dir()).collect();
        let found = there.iter().find(|folder| set.shows_in(folder)).or_else(|| there.first());
        found.cloned().ok_or_else(|| MissingData::new(self, data, path, Some(set)))
    }

    /// The file that `path` names, which starts from the data folder unless it is absolute.
    ///
    /// The path itself comes first. `beside` is a second folder from which the path may start: label files once started
    /// from the folder of their pictures, and recipes that say so still work. If the path names a file of a registered
    /// set, that file is then looked for in the set's folders, under all its names.
    ///
    /// # Errors
    /// [`MissingData`] if there is no such file, with what to do next.
    pub fn file(&self, data: &Path, path: &Path, beside: Option<&Path>) -> Result<PathBuf, MissingData> {
        let named = data.join(path);
        let second = beside.map(|folder| folder.join(path)).filter(|second| second.is_file());
        if named.is_file() {
            if let Some(second) = second.filter(|second| !same(&named, second)) {
                log::warn!("{} is used; {} is not", named.display(), second.display());
            }
            return Ok(named);
        }
        if let Some(second) = second {
            return Ok(second);
        }
        let Some((set, file)) = self.file_of(path) else {
            return Err(MissingData::new(self, data, path, None));
        };
        let folders = self.folders_with(set).map(|folder| data.join(folder));
        let folders = folders.chain(beside.map(Path::to_owned)).chain(once(data.to_owned()));
        let mut places = folders.flat_map(|folder| file.names().map(move |name| folder.join(name)));
        places.find(|place| place.is_file()).ok_or_else(|| MissingData::new(self, data, path, Some(set)))
    }

    /// What to do if the folder `found` of the registered set that `path` names lacks files. `None` if it names no
    /// registered set.
    pub fn completion(&self, data: &Path, path: &Path, found: &Path) -> Option<String> {
        let set = self.set_of(path)?;
        let command = command(set, data);
        Some(match set.content {
            // Existing files are verified, and those that are missing are downloaded.
            Content::Files { .. } if *found == data.join(&set.name) => format!("{command} completes it"),
            Content::Files { .. } => format!("{command} downloads it"),
            // An existing folder is taken for complete.
            Content::Archive { .. } => format!("remove {} and run {command}", found.display()),
        })
    }
}

impl KnownSet {
    /// Whether a folder shows this set.
    fn shows_in(&self, folder: &Path) -> bool {
        match (&self.kind, &self.content) {
            (SetKind::Pictures(layout), _) => Layout::detect(folder).is_ok_and(|found| found == *layout),
            (_, Content::Files { files, .. }) => {
                files.iter().flat_map(RemoteFile::names).any(|name| folder.join(name).is_file())
            }
            (_, Content::Archive { .. }) => true,
        }
    }
}

fn same(one: &Path, other: &Path) -> bool {
    one.canonicalize().is_ok_and(|one| other.canonicalize().is_ok_and(|other| one == other))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::fetch::data_folder;

    fn made(data: &Path, file: &str) {
        fs::create_dir_all(data.join(file).parent().unwrap()).unwrap();
        fs::write(data.join(file), file).unwrap();
    }

    #[test]
    fn a_set_is_found_under_all_names_of_its_folder() {
        for (there, file) in [
            ("cifar-100", "train.bin"),
            ("cifar-100-binary", "train.bin"),
            // Unpacked into a folder that was made for it.
            ("cifar-100/cifar-100-binary", "train.bin"),
        ] {
            let data = tempfile::tempdir().unwrap();
            made(data.path(), &format!("{there}/{file}"));
            for asked in ["cifar-100", "cifar-100-binary", "./cifar-100"] {
                let found = Registry::known().folder(data.path(), Path::new(asked)).unwrap();
                assert_eq!(found, data.path().join(there), "{asked}");
            }
        }
        let data = tempfile::tempdir().unwrap();
        // An interrupted download, beside files that torchvision has fetched.
        made(data.path(), "mnist/train-images-idx3-ubyte.gz.part");
        let find = || Registry::known().folder(data.path(), Path::new("mnist")).unwrap();
        assert_eq!(find(), data.path().join("mnist"));
        made(data.path(), "MNIST/raw/train-images-idx3-ubyte");
        assert_eq!(find(), data.path().join("MNIST/raw"));
        made(data.path(), "mnist/train-images-idx3-ubyte.gz");
        assert_eq!(find(), data.path().join("mnist"));
        // The folder that is named comes first.
        made(data.path(), "cifar-10/test_batch.bin");
        made(data.path(), "cifar-10-batches-bin/test_batch.bin");
        for asked in ["cifar-10", "cifar-10-batches-bin"] {
            let found = Registry::known().folder(data.path(), Path::new(asked)).unwrap();
            assert_eq!(found, data.path().join(asked));
        }
    }

    #[test]
    fn votes_are_found_beside_their_pictures_too() {
        for there in [
            "cifar-10h/cifar10h-counts.npy",
            "cifar-10h/data/cifar10h-counts.npy",
            "cifar-10-batches-bin/cifar10h_counts.u8",
            "cifar-10/cifar10h-counts.npy",
            "cifar10h-counts.npy",
        ] {
            let data = tempfile::tempdir().unwrap();
            made(data.path(), there);
            for asked in ["cifar-10h/cifar10h-counts.npy", "cifar10h_counts.u8", "cifar10h-counts.npy"] {
                let found = Registry::known().file(data.path(), Path::new(asked), None).unwrap();
                assert_eq!(found, data.path().join(there), "{asked}");
            }
        }
    }

    #[test]
    fn a_file_starts_from_the_data_folder_and_then_from_that_of_its_pictures() {
        let data = tempfile::tempdir().unwrap();
        let set = data.path().join("set");
        let find = |path: &str| Registry::known().file(data.path(), Path::new(path), Some(&set));
        let missing = find("labels.npy").unwrap_err();
        assert_eq!(missing.path, data.path().join("labels.npy"));
        made(data.path(), "set/labels.npy");
        assert_eq!(find("labels.npy").unwrap(), set.join("labels.npy"));
        assert_eq!(find("set/labels.npy").unwrap(), set.join("labels.npy"));
        made(data.path(), "labels.npy");
        assert_eq!(find("labels.npy").unwrap(), data.path().join("labels.npy"));
        assert_eq!(find(set.join("labels.npy").to_str().unwrap()).unwrap(), set.join("labels.npy"));
        // A known file beside pictures that are elsewhere.
        made(data.path(), "set/cifar10h_counts.u8");
        assert_eq!(find("cifar-10h/cifar10h-counts.npy").unwrap(), set.join("cifar10h_counts.u8"));
    }

    #[test]
    fn what_is_missing_is_told_with_what_to_do_next() {
        let data = tempfile::tempdir().unwrap();
        let folder = |path: &str| Registry::known().folder(data.path(), Path::new(path)).unwrap_err().to_string();
        let place = data.path().display();
        assert_eq!(
            folder("cifar-100-binary"),
            format!(
                "{place}/cifar-100-binary does not exist; `softnce data fetch cifar-100 --data {place}` downloads it, or \
                 name the folder that holds it with --data DIR or $SOFTNCE_DATA"
            )
        );
        let message = folder("cifar10");
        assert!(
            message.contains("did you mean cifar-10?") && message.contains("--data DIR or $SOFTNCE_DATA"),
            "{message}"
        );
        let message = folder("photos");
        assert!(!message.contains("did you mean") && !message.contains("working folder"), "{message}");
        // The tests run in the folder of this crate.
        assert!(folder("src").contains("the working folder has it: add --data ."), "{}", folder("src"));
        assert_eq!(folder("/nowhere/at/all"), "/nowhere/at/all does not exist; correct the path");
        let votes = Registry::known().file(data.path(), Path::new("cifar10h_counts.u8"), None).unwrap_err().to_string();
        assert!(votes.contains("softnce data fetch cifar-10h"), "{votes}");
        let default = data_folder(None);
        let missing = Registry::known().file(&default.join("x"), Path::new("mae_pretrain_vit_base.pth"), None);
        assert!(missing.unwrap_err().remedy.starts_with("`softnce data fetch mae-vit-base --data "));
    }

    #[test]
    fn a_set_that_lacks_files_is_completed() {
        let data = tempfile::tempdir().unwrap();
        let told = |path: &str, found: &str| {
            Registry::known().completion(data.path(), Path::new(path), &data.path().join(found)).unwrap()
        };
        assert!(told("mnist", "mnist").ends_with("` completes it"));
        assert!(told("mnist", "MNIST/raw").ends_with("` downloads it"));
        let archive = told("cifar-100", "cifar-100");
        assert!(
            archive.starts_with("remove ") && archive.contains("and run `softnce data fetch cifar-100"),
            "{archive}"
        );
        assert_eq!(Registry::known().completion(data.path(), Path::new("photos"), data.path()), None);
    }
}
