//! The sets that can be fetched, by their names and by the folders in which users have them.

use std::ffi::OsStr;
use std::path::{Component, Path};
use std::sync::LazyLock;

use strsim::damerau_levenshtein;

use super::error::FetchError;
use super::known::known;
use super::set::{KnownSet, RemoteFile, SetKind};

/// Sets by their names.
#[derive(Debug)]
pub struct Registry {
    sets: Vec<KnownSet>,
}

static KNOWN: LazyLock<Registry> = LazyLock::new(|| Registry::new(known()));

impl Registry {
    /// All sets that can be fetched from their publishers.
    pub fn known() -> &'static Registry {
        &KNOWN
    }

    /// A registry of these sets; each name must occur once.
    pub fn new(sets: Vec<KnownSet>) -> Registry {
        Registry { sets }
    }

    /// The sets, in the order in which the help lists them.
    pub fn sets(&self) -> &[KnownSet] {
        &self.sets
    }

    /// The set of this name.
    ///
    /// # Errors
    /// [`FetchError::Unknown`], with the names there are and the nearest of them.
    pub fn find(&self, name: &str) -> Result<&KnownSet, FetchError> {
        self.sets.iter().find(|set| set.name == name).ok_or_else(|| {
            let known = self.sets.iter().map(|set| set.name.as_str()).collect::<Vec<_>>().join(", ");
            // Another name of the set's folder, or one that is near.
            let meant = self.set_of(Path::new(name)).map(|set| set.name.as_str()).or_else(|| self.nearest(name));
            let nearest = meant.map(|near| format!("; did you mean {near}?")).unwrap_or_default();
            FetchError::Unknown { found: name.to_owned(), known, nearest }
        })
    }

    /// The registered name that is nearest to another one, if any is near.
    pub(super) fn nearest(&self, name: &str) -> Option<&str> {
        let letters = |name: &str| name.to_lowercase().replace(|letter: char| !letter.is_alphanumeric(), "");
        let name = letters(name);
        let limit = (name.chars().count() / 4).min(2);
        let distances = self.sets.iter().map(|set| (damerau_levenshtein(&name, &letters(&set.name)), &set.name));
        let near = distances.filter(|(distance, _)| *distance <= limit).min_by_key(|(distance, _)| *distance);
        near.map(|(_, name)| name.as_str())
    }

    /// The set that a path names: a relative path that is its name or another of its folders.
    pub fn set_of(&self, path: &Path) -> Option<&KnownSet> {
        let path = slashed(path)?;
        self.sets.iter().find(|set| set.folders().any(|folder| folder == path))
    }

    /// The set, and which of its files, that a path names: the name of the file alone, or in one of the set's folders, or
    /// for labels in one of the folders of their pictures.
    pub fn file_of(&self, path: &Path) -> Option<(&KnownSet, &RemoteFile)> {
        let name = path.file_name().and_then(OsStr::to_str)?;
        let parent = slashed(path.parent()?)?;
        self.sets.iter().find_map(|set| {
            let near = parent.is_empty() || self.folders_with(set).any(|folder| folder == parent);
            set.file(name).filter(|_| near).map(|file| (set, file))
        })
    }

    /// The folders in which a set's files may be; those of labels may be beside the pictures.
    pub(super) fn folders_with<'r>(&'r self, set: &'r KnownSet) -> impl Iterator<Item = &'r str> {
        let pictures = match &set.kind {
            SetKind::Labels { pictures } => self.sets.iter().find(|other| other.name == *pictures),
            _ => None,
        };
        set.folders().chain(pictures.into_iter().flat_map(KnownSet::folders))
    }
}

/// A relative path with slashes; `None` for one that is absolute, leads upwards, or is not text.
fn slashed(path: &Path) -> Option<String> {
    let parts = path.components().filter(|part| *part != Component::CurDir).map(|part| match part {
        Component::Normal(part) => part.to_str(),
        _ => None,
    });
    Some(parts.collect::<Option<Vec<&str>>>()?.join("/"))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::fetch::{Checksum, Content};

    #[test]
    fn every_set_is_found_and_whole() {
        let registry = Registry::known();
        let mut folders = HashSet::new();
        for set in registry.sets() {
            assert_eq!(registry.find(&set.name).unwrap(), set);
            assert_eq!(registry.set_of(Path::new(&set.name)), Some(set));
            for folder in set.folders() {
                // Both graphs of Planetoid are in the folder of the publisher's repository.
                assert!(folders.insert(folder.to_owned()) || folder == "planetoid/data", "{folder}");
            }
            if let Content::Files { class_names, .. } = &set.content {
                // No names, or all of them, each once: they become the lines of classes.txt.
                let distinct: HashSet<&String> = class_names.iter().collect();
                assert_eq!(distinct.len(), class_names.len(), "{}", set.name);
                assert!(class_names.iter().all(|name| !name.trim().is_empty() && !name.contains('\n')));
            }
            if let SetKind::Labels { pictures } = &set.kind {
                assert!(matches!(registry.find(pictures).unwrap().kind, SetKind::Pictures(_)), "{pictures}");
            }
            for file in set.downloads() {
                let (digits, count) = match &file.checksum {
                    Checksum::Md5(digits) => (digits, 32),
                    Checksum::Sha256(digits) => (digits, 64),
                };
                assert_eq!(digits.len(), count);
                assert!(digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f')));
                assert!(!file.urls.is_empty() && file.urls.iter().all(|url| url.starts_with("http")));
                assert!(file.bytes > 0 && file.names().all(|name| !name.contains(['/', '\\'])));
            }
        }
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_nearest() {
        let message = |name| Registry::known().find(name).unwrap_err().to_string();
        let known = "mnist, fashion-mnist, cifar-10, cifar-100, cifar-10h, tiny-imagenet, cora, citeseer, mae-vit-base";
        let unknown = |name: &str| format!("no set is named '{name}'; expected one of {known}");
        assert_eq!(message("svhn"), unknown("svhn"));
        for (name, meant) in [
            ("cifar10", "cifar-10"),
            ("CIFAR10H", "cifar-10h"),
            ("FashionMNIST", "fashion-mnist"),
            ("tiny_imagnet", "tiny-imagenet"),
            ("tiny-imagenet-200", "tiny-imagenet"),
            ("cifar-10-batches-bin", "cifar-10"),
        ] {
            assert_eq!(message(name), format!("{}; did you mean {meant}?", unknown(name)));
        }
    }

    #[test]
    fn paths_name_sets_and_files() {
        let registry = Registry::known();
        let set = |path: &str| registry.set_of(Path::new(path)).map(|set| set.name.as_str());
        for (path, expected) in [
            ("cifar-100", Some("cifar-100")),
            ("./cifar-100/", Some("cifar-100")),
            ("cifar-100-binary", Some("cifar-100")),
            ("planetoid/cora", Some("cora")),
            ("photos", None),
            ("../cifar-100", None),
            ("/data/cifar-100", None),
        ] {
            assert_eq!(set(path), expected, "{path}");
        }
        let file = |path: &str| {
            let (set, file) = registry.file_of(Path::new(path))?;
            Some((set.name.as_str(), file.name.as_str()))
        };
        let votes = Some(("cifar-10h", "cifar10h-counts.npy"));
        for (path, expected) in [
            ("cifar-10h/cifar10h-counts.npy", votes),
            ("cifar10h_counts.u8", votes),
            ("cifar-10-batches-bin/cifar10h_counts.u8", votes),
            ("mae_pretrain_vit_base.pth", Some(("mae-vit-base", "mae_pretrain_vit_base.pth"))),
            ("elsewhere/cifar10h-counts.npy", None),
            ("/data/cifar-10h/cifar10h-counts.npy", None),
            ("cifar-10h/other.npy", None),
        ] {
            assert_eq!(file(path), expected, "{path}");
        }
    }
}
