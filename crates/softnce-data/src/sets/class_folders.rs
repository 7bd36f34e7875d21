//! Folders of classes: the pictures of a class lie in its folder and in all folders below it.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::error::SetError;
use super::file_set::FileSet;
use super::listing::{FolderContent, Walk, holds_pictures, left_out, list, listed, no_pictures, walk};
use crate::ContentError;

/// The number of the class of each folder name.
pub(super) type ClassNumbers<'n> = HashMap<&'n OsStr, usize>;

/// Adds the pictures in the class folders of `root` to a set, class by class, in the order in which torchvision's
/// `ImageFolder` lists them.
///
/// `source`: what names the classes, for errors. The set warns of classes without pictures, which keep their numbers,
/// and of what is not read, except files that are `known` to be no pictures.
///
/// # Errors
/// A folder that cannot be read; pictures in a folder that is not a class; no picture at all.
pub(super) fn add_classes(
    set: &mut FileSet,
    root: &Path,
    numbers: &ClassNumbers<'_>,
    source: &str,
    known: impl Fn(&OsStr) -> bool,
) -> Result<(), SetError> {
    let FolderContent { folders, files, left_out: beside } = list(root)?;
    let mut not_read: Vec<PathBuf> = files.into_iter().chain(beside).map(|name| root.join(name)).collect();
    let (mut empty, mut found) = (Vec::new(), 0);
    for name in folders {
        let path = root.join(&name);
        let Some(&class) = numbers.get(name.as_os_str()) else {
            if holds_pictures(&path) {
                return Err(ContentError::stray(&path, format!("a class of {source}")));
            }
            not_read.push(path);
            continue;
        };
        let Walk { mut folders, left_out } = walk(&path)?;
        not_read.extend(left_out);
        // Python sorts the folders by their whole paths, where `a-b` comes before `a/b`.
        folders.sort_by(|(one, _), (other, _)| bytes(one).cmp(bytes(other)));
        let mut pictures = 0;
        for (folder, files) in folders {
            pictures += files.len();
            set.add(folder, files.into_iter().map(|file| (file, class)));
        }
        found += pictures;
        if pictures == 0 {
            empty.push(name);
        }
    }
    if found == 0 {
        return Err(no_pictures(root, &not_read));
    }
    if !empty.is_empty() {
        let names = listed(empty.iter().map(OsString::as_os_str));
        set.warn(format!(
            "{}: no pictures of {names}: a class without pictures keeps its number; remove a folder that is no class",
            root.display()
        ));
    }
    not_read.retain(|path| !path.file_name().is_some_and(&known));
    if let Some(warning) = left_out(root, &not_read) {
        set.warn(warning);
    }
    Ok(())
}

fn bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_encoded_bytes()
}
