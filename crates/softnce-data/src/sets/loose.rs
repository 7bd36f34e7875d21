//! Pictures without labels, to be predicted.

use std::path::{Path, PathBuf};

use super::files::{Listing, is_picture, list};
use super::{FileSet, SetError};
use crate::PictureSource;

/// Picture files, and every picture file below folders, in the order given and within a folder by rising name.
///
/// The set has the classes of the caller and no labels: every picture is said to be of class 0. Files that are no
/// pictures are an error where they are named, and left out below a folder.
///
/// # Errors
/// A path that does not exist or cannot be read; a named file that is no picture; no picture at all.
pub fn loose(paths: &[PathBuf], class_names: Vec<String>) -> Result<FileSet, SetError> {
    let mut set = FileSet::new(class_names);
    for path in paths {
        let kind = std::fs::metadata(path).map_err(SetError::io(path))?;
        if kind.is_dir() {
            below(&mut set, path)?;
            continue;
        }
        match (path.parent(), path.file_name()) {
            (Some(folder), Some(name)) if is_picture(name) => set.add(folder.to_owned(), [(name.to_owned(), 0)]),
            _ => {
                let expected = "a picture file, or a folder".to_owned();
                return Err(SetError::Stray { path: path.clone(), expected });
            }
        }
    }
    match paths.first() {
        Some(path) if set.labels().is_empty() => Err(SetError::Empty { path: path.clone() }),
        _ => Ok(set),
    }
}

fn below(set: &mut FileSet, folder: &Path) -> Result<(), SetError> {
    let Listing { folders, files } = list(folder)?;
    set.add(folder.to_owned(), files.into_iter().filter(|name| is_picture(name)).map(|name| (name, 0)));
    folders.iter().try_for_each(|name| below(set, &folder.join(name)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::sets::files::tests::write_picture;

    #[test]
    fn files_and_folders_in_the_order_given() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["b.png", "deep/er/c.png", "deep/a.png"] {
            write_picture(&at(name), [1, 2, 3]);
        }
        std::fs::write(at("deep/notes.txt"), "no picture").unwrap();
        let set = loose(&[at("b.png"), at("deep")], vec!["x".into(), "y".into()]).unwrap();
        let found: Vec<PathBuf> = (0..3).map(|index| set.path(index).unwrap()).collect();
        assert_eq!(found, [at("b.png"), at("deep/a.png"), at("deep/er/c.png")]);
        assert_eq!((set.labels(), set.class_names().len()), (&[0, 0, 0][..], 2));
        std::fs::create_dir(at("empty")).unwrap();
        for wrong in ["deep/notes.txt", "absent.png", "empty"] {
            let error = loose(&[at(wrong)], vec!["x".into()]).unwrap_err().to_string();
            assert!(error.contains(wrong), "{error}");
        }
    }
}
