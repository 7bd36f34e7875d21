//! Pictures without labels, for prediction.

use std::path::PathBuf;

use super::decode::is_picture;
use super::error::SetError;
use super::file_set::FileSet;
use super::listing::walk;
use crate::{ContentError, PictureSource};

/// The picture files among `paths` and every picture file in their folders, in the order of `paths` and by name within
/// a folder.
///
/// The pictures have no labels: all get class 0 of `class_names`. Other files in folders are left out.
///
/// # Errors
/// A path that does not exist or cannot be read; a path to a file that is not a picture; no picture at all.
pub fn unlabelled(paths: &[PathBuf], class_names: Vec<String>) -> Result<FileSet, SetError> {
    let mut set = FileSet::new(class_names);
    for path in paths {
        let kind = std::fs::metadata(path).map_err(SetError::io(path))?;
        if kind.is_dir() {
            for (folder, files) in walk(path)? {
                set.add(folder, files.into_iter().filter(|name| is_picture(name)).map(|name| (name, 0)));
            }
            continue;
        }
        match (path.parent(), path.file_name()) {
            (Some(folder), Some(name)) if is_picture(name) => set.add(folder.to_owned(), [(name.to_owned(), 0)]),
            _ => return Err(ContentError::stray(path, "a picture file, or a folder")),
        }
    }
    match paths.first() {
        Some(path) if set.labels().is_empty() => Err(ContentError::empty(path)),
        _ => Ok(set),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::sets::decode::tests::write_picture;

    #[test]
    fn files_and_folders_in_the_order_given() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["b.png", "deep/er/c.png", "deep/a.png"] {
            write_picture(&at(name), [1, 2, 3]);
        }
        std::fs::write(at("deep/notes.txt"), "no picture").unwrap();
        let set = unlabelled(&[at("b.png"), at("deep")], vec!["x".into(), "y".into()]).unwrap();
        let found: Vec<PathBuf> = (0..3).map(|index| set.path(index).unwrap()).collect();
        assert_eq!(found, [at("b.png"), at("deep/a.png"), at("deep/er/c.png")]);
        assert_eq!((set.labels(), set.class_names().len()), (&[0, 0, 0][..], 2));
        std::fs::create_dir(at("empty")).unwrap();
        for wrong in ["deep/notes.txt", "absent.png", "empty"] {
            let error = unlabelled(&[at(wrong)], vec!["x".into()]).unwrap_err().to_string();
            assert!(error.contains(wrong), "{error}");
        }
    }
}
