//! Lists the files of folders.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use super::decode::{endings, is_picture};
use super::error::SetError;
use crate::ContentError;

/// The folders and the files in a folder, each sorted by name, without hidden ones and without the notes of file
/// managers.
pub(super) struct FolderContent {
    pub(super) folders: Vec<OsString>,
    pub(super) files: Vec<OsString>,
}

/// Lists a folder; links are followed.
pub(super) fn list(path: &Path) -> Result<FolderContent, SetError> {
    let mut listing = FolderContent { folders: Vec::new(), files: Vec::new() };
    for entry in fs::read_dir(path).map_err(SetError::io(path))? {
        let entry = entry.map_err(SetError::io(path))?;
        let name = entry.file_name();
        let bytes = name.as_encoded_bytes();
        if bytes.starts_with(b".") || [&b"thumbs.db"[..], b"desktop.ini"].iter().any(|n| bytes.eq_ignore_ascii_case(n))
        {
            continue;
        }
        let mut kind = entry.file_type().map_err(SetError::io(entry.path()))?;
        if kind.is_symlink() {
            kind = fs::metadata(entry.path()).map_err(SetError::io(entry.path()))?.file_type();
        }
        // Reading a pipe would block for ever.
        if !kind.is_dir() && !kind.is_file() {
            return Err(ContentError::stray(&entry.path(), "files and folders"));
        }
        let names = if kind.is_dir() { &mut listing.folders } else { &mut listing.files };
        names.push(name);
    }
    listing.folders.sort_unstable();
    listing.files.sort_unstable();
    Ok(listing)
}

/// The pictures of a folder that may hold nothing else, sorted by name.
///
/// # Errors
/// A folder or another file in it, named by its path.
pub(super) fn pictures(path: &Path) -> Result<Vec<OsString>, SetError> {
    let FolderContent { folders, files } = list(path)?;
    let stray = folders.first().or_else(|| files.iter().find(|file| !is_picture(file)));
    match stray {
        Some(name) => Err(ContentError::stray(&path.join(name), format!("files {}", endings()))),
        None => Ok(files),
    }
}

/// Every folder from `folder` down with the files in it: a folder before the folders in it, files and folders sorted by
/// name. Links are followed.
///
/// # Errors
/// A folder that cannot be read; a link to a folder that holds the link, which would never end.
pub(super) fn walk(folder: &Path) -> Result<Vec<(PathBuf, Vec<OsString>)>, SetError> {
    let mut found = Vec::new();
    walk_below(folder, &mut Vec::new(), &mut found)?;
    Ok(found)
}

/// `around`: the real paths of the folders that hold this one.
fn walk_below(
    folder: &Path,
    around: &mut Vec<PathBuf>,
    found: &mut Vec<(PathBuf, Vec<OsString>)>,
) -> Result<(), SetError> {
    let real = folder.canonicalize().map_err(SetError::io(folder))?;
    if around.contains(&real) {
        return Err(ContentError::stray(folder, "no link to a folder that holds the link"));
    }
    around.push(real);
    let FolderContent { folders, files } = list(folder)?;
    found.push((folder.to_owned(), files));
    for name in folders {
        walk_below(&folder.join(name), around, found)?;
    }
    around.pop();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sets::decode::tests::write_picture;

    #[test]
    fn only_hidden_files_and_notes_of_file_managers_are_skipped() {
        let folder = tempfile::tempdir().unwrap();
        write_picture(&folder.path().join("b.png"), [0; 3]);
        write_picture(&folder.path().join("a.jpg"), [0; 3]);
        for hidden in [".DS_Store", "._a.jpg", "Thumbs.db", "desktop.ini"] {
            fs::write(folder.path().join(hidden), "").unwrap();
        }
        assert_eq!(pictures(folder.path()).unwrap(), ["a.jpg", "b.png"]);
        let stray = folder.path().join("notes.txt");
        fs::write(&stray, "").unwrap();
        let message = pictures(folder.path()).unwrap_err().to_string();
        let expected = "does not belong here; expected files ending in .jpg, .jpeg, .png, .bmp, .webp";
        assert_eq!(message, format!("{}: {expected}", stray.display()));
        fs::remove_file(stray).unwrap();
        fs::create_dir(folder.path().join("c.png")).unwrap();
        assert!(pictures(folder.path()).is_err());
    }

    #[test]
    #[cfg(unix)]
    fn links_to_folders_are_followed_but_not_in_circles() {
        let folder = tempfile::tempdir().unwrap();
        let (inner, other) = (folder.path().join("a/inner"), folder.path().join("b"));
        write_picture(&inner.join("x.png"), [0; 3]);
        std::os::unix::fs::symlink(&inner, folder.path().join("b")).unwrap();
        let found = walk(folder.path()).unwrap();
        let folders: Vec<&Path> = found.iter().map(|(folder, _)| folder.as_path()).collect();
        assert_eq!(folders, [folder.path(), &folder.path().join("a"), &inner, &other]);
        std::os::unix::fs::symlink(folder.path(), inner.join("up")).unwrap();
        let message = walk(folder.path()).unwrap_err().to_string();
        assert!(message.starts_with(&format!("{}: ", inner.join("up").display())), "{message}");
    }
}
