//! Pictures without labels, for prediction.

use std::path::PathBuf;

use super::error::SetError;
use super::file_set::FileSet;
use super::listing::{left_out, no_pictures, walk};
use crate::{ContentError, PictureSource};

/// The files among `paths` and every picture file in their folders, in the order of `paths` and by name within a folder.
///
/// The pictures have no labels: all get class 0 of `class_names`. A file that is named itself is taken whatever its
/// ending. The set warns of files in folders that are not read.
///
/// # Errors
/// A path that does not exist or cannot be read; no picture at all.
pub fn unlabelled(paths: &[PathBuf], class_names: Vec<String>) -> Result<FileSet, SetError> {
    let mut set = FileSet::new(class_names);
    let mut others = Vec::new();
    for path in paths {
        let kind = std::fs::metadata(path).map_err(SetError::io(path))?;
        if kind.is_dir() {
            let found = walk(path)?;
            for (folder, files) in found.folders {
                set.add(folder, files.into_iter().map(|name| (name, 0)));
            }
            left_out(path, &found.left_out).into_iter().for_each(|warning| set.warn(warning));
            others.extend(found.left_out);
            continue;
        }
        match (path.parent(), path.file_name()) {
            (Some(folder), Some(name)) => set.add(folder.to_owned(), [(name.to_owned(), 0)]),
            _ => return Err(ContentError::stray(path, "a picture file, or a folder")),
        }
    }
    match paths.first() {
        Some(path) if set.labels().is_empty() => Err(no_pictures(path, &others)),
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
        let paths = [at("b.png"), at("deep"), at("deep/notes.txt")];
        let set = unlabelled(&paths, vec!["x".into(), "y".into()]).unwrap();
        let found: Vec<PathBuf> = (0..4).map(|index| set.path(index).unwrap()).collect();
        assert_eq!(found, [at("b.png"), at("deep/a.png"), at("deep/er/c.png"), at("deep/notes.txt")]);
        assert_eq!((set.labels(), set.class_names().len()), (&[0; 4][..], 2));
        let expected = format!("{}: 1 file or folder is not read as pictures: notes.txt", at("deep").display());
        assert_eq!(set.warnings(), [expected]);
        std::fs::create_dir(at("empty")).unwrap();
        for wrong in ["absent.png", "empty"] {
            let error = unlabelled(&[at(wrong)], vec!["x".into()]).unwrap_err().to_string();
            assert!(error.contains(wrong), "{error}");
        }
        std::fs::write(at("empty/a.heic"), "").unwrap();
        let error = unlabelled(&[at("empty")], vec!["x".into()]).unwrap_err().to_string();
        let expected = "empty: no pictures (a.heic is not read as one); expected at least one that ends in jpg, jpeg, ";
        assert!(error.contains(expected), "{error}");
    }
}
