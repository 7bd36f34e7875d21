//! Finds a layout by its name, or by what lies in a folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::LazyLock;

use serde::de::Error;
use serde::{Deserialize, Deserializer};

use super::error::SetError;
use super::layout::Layout;
use super::listing::{list, unread_picture};

/// The names of all layouts.
static NAMES: LazyLock<Vec<&str>> = LazyLock::new(|| Layout::ALL.map(Layout::name).to_vec());

impl Layout {
    /// The layout that the files in `root` show; never one of an embedded set, which needs no files.
    ///
    /// # Errors
    /// A folder that cannot be read, that shows no layout, or that shows several equally well.
    pub fn detect(root: &Path) -> Result<Layout, SetError> {
        let mut shown: Vec<Layout> = shown_in(root).collect();
        if shown.is_empty() {
            // A folder that does not exist has an error of its own.
            fs::read_dir(root).map_err(SetError::io(root))?;
        }
        let strongest = shown.iter().map(|layout| layout.rules().proof).max();
        shown.retain(|layout| Some(layout.rules().proof) == strongest);
        let mut shown = shown.into_iter();
        match (shown.next(), shown.next()) {
            (Some(layout), None) => Ok(layout),
            (Some(first), Some(second)) => {
                Err(SetError::Ambiguous { path: root.to_owned(), first: first.name(), second: second.name() })
            }
            (None, _) => {
                let (below, unread) = (below(root), unread_picture(root));
                Err(SetError::Undetected { path: root.to_owned(), known: signs(), below, unread })
            }
        }
    }
}

/// Whether there is something at a path that a set may be in: a folder, or the name of one of several sets in the folder
/// above it ([`Layout::IDX`]).
pub fn exists(path: &Path) -> bool {
    path.exists() || Layout::detect(path).is_ok()
}

/// The layouts that a folder shows.
fn shown_in(root: &Path) -> impl Iterator<Item = Layout> {
    Layout::ALL.into_iter().filter(move |layout| (layout.rules().detect)(root))
}

/// The first folder in `root` that shows a layout: many archives hold one folder with the set.
fn below(root: &Path) -> Option<PathBuf> {
    let folders = list(root).ok()?.folders;
    folders.iter().map(|name| root.join(name)).find(|folder| shown_in(folder).next().is_some())
}

/// What shows each layout that lies in a folder.
fn signs() -> String {
    let in_folders = Layout::ALL.into_iter().filter(|layout| !layout.rules().sign.is_empty());
    in_folders.map(|layout| format!("{} ({layout})", layout.rules().sign)).collect::<Vec<_>>().join(", ")
}

impl FromStr for Layout {
    type Err = SetError;

    fn from_str(name: &str) -> Result<Self, SetError> {
        Layout::ALL
            .into_iter()
            .find(|layout| layout.name() == name)
            .ok_or_else(|| SetError::UnknownLayout { found: name.to_owned(), known: NAMES.join(", ") })
    }
}

impl<'de> Deserialize<'de> for Layout {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        name.parse().map_err(|_| D::Error::unknown_variant(&name, &NAMES))
    }
}

#[cfg(test)]
mod tests {
    use serde::de::IntoDeserializer;
    use serde::de::value::{Error, StrDeserializer};

    use super::*;

    #[test]
    fn a_recipe_and_the_command_line_use_one_name() {
        for layout in Layout::ALL {
            assert_eq!(layout.to_string().parse::<Layout>().unwrap(), layout);
            let name: StrDeserializer<'_, Error> = layout.name().into_deserializer();
            assert_eq!(Layout::deserialize(name).unwrap(), layout);
        }
        let mut names = NAMES.clone();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Layout::ALL.len());
        let message = "cifar-10".parse::<Layout>().unwrap_err().to_string();
        assert_eq!(message, format!("no layout is named 'cifar-10'; expected one of {}", NAMES.join(", ")));
    }

    #[test]
    fn every_layout_says_what_it_needs() {
        for layout in Layout::ALL {
            let rules = layout.rules();
            assert!(!layout.title().is_empty() && !layout.title().ends_with('.'), "{layout}");
            assert!(!layout.parts().is_empty(), "{layout}");
            assert_eq!(layout.origin().is_some(), rules.sign.is_empty(), "{layout}");
            let nothing = tempfile::tempdir().unwrap();
            assert!(!(rules.detect)(nothing.path()), "{layout}");
        }
    }

    #[test]
    fn the_files_tell_the_layout() {
        let cases: [(&[&str], &[&str], Layout); 10] = [
            (&[], &["train-images-idx3-ubyte.gz"], Layout::IDX),
            (&[], &["t10k-images.idx3-ubyte"], Layout::IDX),
            (&[], &["test_batch.bin"], Layout::CIFAR10),
            (&[], &["data_batch_1.bin", "batches.meta.txt"], Layout::CIFAR10),
            (&[], &["test.bin", "train.bin"], Layout::CIFAR100),
            (&["train"], &["train.bin"], Layout::CIFAR100),
            (&["train", "val"], &[], Layout::TREE),
            (&["val"], &["classes.txt"], Layout::TREE),
            (&["train", "val", "test"], &["wnids.txt", "words.txt"], Layout::TINY_IMAGENET),
            (&["val"], &["wnids.txt", "val/val_annotations.txt"], Layout::TINY_IMAGENET),
        ];
        for (folders, files, layout) in cases {
            let root = tempfile::tempdir().unwrap();
            for folder in folders {
                fs::create_dir(root.path().join(folder)).unwrap();
            }
            for file in files {
                fs::write(root.path().join(file), "").unwrap();
            }
            assert_eq!(Layout::detect(root.path()).unwrap(), layout, "{folders:?} {files:?}");
        }
    }

    #[test]
    fn doubt_is_an_error() {
        let root = tempfile::tempdir().unwrap();
        let message = Layout::detect(root.path()).unwrap_err().to_string();
        for layout in Layout::ALL.into_iter().filter(|layout| layout.origin().is_none()) {
            assert!(message.contains(&format!("({layout})")), "{message}");
        }
        fs::create_dir_all(root.path().join("images/ant")).unwrap();
        fs::write(root.path().join("images/ant/1.HEIC"), "").unwrap();
        let message = Layout::detect(root.path()).unwrap_err().to_string();
        let unread = root.path().join("images/ant/1.HEIC");
        let expected = format!("; {} is not read: pictures end in jpg, jpeg, ", unread.display());
        assert!(message.contains(&expected), "{message}");
        fs::remove_dir_all(root.path().join("images/ant")).unwrap();
        fs::create_dir_all(root.path().join("images/train")).unwrap();
        let message = Layout::detect(root.path()).unwrap_err().to_string();
        let below = root.path().join("images");
        assert!(message.ends_with(&format!("; {} fits one: name that folder", below.display())), "{message}");
        fs::write(root.path().join("train.bin"), "").unwrap();
        fs::write(root.path().join("test_batch.bin"), "").unwrap();
        let message = Layout::detect(root.path()).unwrap_err().to_string();
        assert!(
            message.contains(": fits the layouts cifar10 and cifar100; name one of them (data.layout "),
            "{message}"
        );
        let absent = root.path().join("absent");
        assert!(Layout::detect(&absent).unwrap_err().to_string().starts_with(&absent.display().to_string()));
    }
}
