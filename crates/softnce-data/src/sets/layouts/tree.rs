//! A folder for each class below a folder for each part, as ImageNet is commonly kept.

use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::ContentError;
use crate::sets::decode::is_picture;
use crate::sets::error::SetError;
use crate::sets::file_set::FileSet;
use crate::sets::layout::Rules;
use crate::sets::listing::{FolderContent, list, pictures};
use crate::sets::names;
use crate::sets::split::Split;

pub(in crate::sets) static RULES: Rules = Rules {
    name: "tree",
    title: "A folder for each class below train/ and val/ or test/",
    sign: "train/CLASS/",
    parts: &Split::ALL,
    origin: None,
    detect,
    proof: 1,
    open: |root, split| Ok(Arc::new(open(root, split)?)),
};

/// The folders of the test part; the first one that exists is taken.
const TEST: [&str; 2] = ["val", "test"];

/// A file with the names of the classes, for sets without training folders.
const CLASSES: &str = "classes.txt";

fn open(root: &Path, split: Split) -> Result<FileSet, SetError> {
    let train = root.join("train");
    let folder = match split {
        Split::Train => train.clone(),
        Split::Test => test_folder(root)?,
    };
    let classes = classes(root, &train)?;
    let number: HashMap<&OsStr, usize> =
        classes.iter().enumerate().map(|(number, class)| (class.as_os_str(), number)).collect();
    let mut set = FileSet::new(classes.iter().map(|class| class.to_string_lossy().into_owned()).collect());
    let mut found = 0;
    for class in class_folders(&folder)? {
        let path = folder.join(&class);
        let Some(&label) = number.get(class.as_os_str()) else {
            return Err(ContentError::stray(&path, format!("a class of {}", source(root, &train).display())));
        };
        let files = pictures(&path)?;
        // A class may lack test pictures, but not training pictures.
        if files.is_empty() && split == Split::Train {
            return Err(ContentError::empty(&path));
        }
        found += files.len();
        set.add(path, files.into_iter().map(|file| (file, label)));
    }
    if found == 0 {
        return Err(ContentError::empty(&folder));
    }
    Ok(set)
}

/// Whether there is a folder of a part. One with pictures of its own is a class of that name instead.
fn detect(root: &Path) -> bool {
    let mut parts = ["train"].iter().chain(&TEST).map(|name| root.join(name)).filter(|path| path.is_dir());
    parts.any(|path| list(&path).is_ok_and(|found| !found.files.iter().any(|file| is_picture(file))))
}

fn test_folder(root: &Path) -> Result<PathBuf, SetError> {
    TEST.iter().map(|name| root.join(name)).find(|path| path.is_dir()).ok_or_else(|| SetError::Missing {
        path: root.join(TEST[0]),
        expected: format!("a folder of this name, or {}, with a folder for each class", TEST[1]),
    })
}

/// The folder or file that names the classes.
fn source(root: &Path, train: &Path) -> PathBuf {
    if train.is_dir() { train.to_owned() } else { root.join(CLASSES) }
}

/// The classes in order: the training folders sorted by name; without them, the lines of a file.
fn classes(root: &Path, train: &Path) -> Result<Vec<OsString>, SetError> {
    if train.is_dir() {
        let classes = class_folders(train)?;
        return if classes.is_empty() { Err(ContentError::empty(train)) } else { Ok(classes) };
    }
    match names::read(&root.join(CLASSES))? {
        Some(names) => {
            let mut known = HashSet::new();
            match names.iter().position(|name| !known.insert(name.as_str())) {
                None => Ok(names.into_iter().map(OsString::from).collect()),
                Some(at) => {
                    let found = format!("'{}'", names[at]);
                    Err(ContentError::line(&root.join(CLASSES), at + 1, found, "each class once"))
                }
            }
        }
        None => Err(SetError::Missing {
            path: train.to_owned(),
            expected: format!("a folder for each class there, or their names in {CLASSES}, in order"),
        }),
    }
}

/// The folders in a folder that may hold nothing else, sorted by name.
fn class_folders(path: &Path) -> Result<Vec<OsString>, SetError> {
    if !path.is_dir() {
        let expected = "a folder with a folder for each class".to_owned();
        return Err(SetError::Missing { path: path.to_owned(), expected });
    }
    let FolderContent { folders, files } = list(path)?;
    match files.first() {
        Some(file) => Err(ContentError::stray(&path.join(file), "a folder for each class")),
        None => Ok(folders),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::PictureSource;
    use crate::sets::decode::tests::write_picture;

    /// Two classes, their folders created in descending order.
    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in ["train/zebra/2.png", "train/zebra/10.jpg", "train/ant/b.bmp", "val/zebra/v.webp", "test/ant/t.png"]
        {
            write_picture(&folder.path().join(file), [10, 20, 30]);
        }
        folder
    }

    fn files(root: &Path, set: &FileSet) -> Vec<String> {
        let path = |index| set.path(index).unwrap().strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
        (0..set.labels().len()).map(path).collect()
    }

    fn message(root: &Path, split: Split) -> String {
        let message = open(root, split).unwrap_err().to_string();
        message.replace(&format!("{}{}", root.display(), std::path::MAIN_SEPARATOR), "")
    }

    #[test]
    fn classes_and_files_are_sorted_by_name() {
        let folder = folder();
        let train = open(folder.path(), Split::Train).unwrap();
        assert_eq!(train.class_names(), ["ant", "zebra"]);
        assert_eq!(train.labels(), [0, 1, 1]);
        assert_eq!(files(folder.path(), &train), ["train/ant/b.bmp", "train/zebra/10.jpg", "train/zebra/2.png"]);
        assert_eq!(train.picture(2).unwrap().pixels[..3], [10, 20, 30]);

        // The class keeps the number it has in training, though it is the only one here.
        let val = open(folder.path(), Split::Test).unwrap();
        assert_eq!((val.class_names().len(), val.labels()), (2, &[1][..]));
        assert_eq!(files(folder.path(), &val), ["val/zebra/v.webp"]);
        fs::remove_dir_all(folder.path().join("val")).unwrap();
        assert_eq!(files(folder.path(), &open(folder.path(), Split::Test).unwrap()), ["test/ant/t.png"]);
    }

    #[test]
    fn what_does_not_belong_is_named() {
        let folder = folder();
        let root = folder.path();
        write_picture(&root.join("val/yak/1.png"), [0; 3]);
        assert_eq!(message(root, Split::Test), "val/yak: does not belong here; expected a class of train");
        fs::write(root.join("train/list.txt"), "").unwrap();
        assert_eq!(
            message(root, Split::Train),
            "train/list.txt: does not belong here; expected a folder for each class"
        );
        fs::remove_file(root.join("train/list.txt")).unwrap();
        fs::write(root.join("train/.DS_Store"), "").unwrap();
        open(root, Split::Train).unwrap();
        fs::write(root.join("train/ant/boxes.xml"), "").unwrap();
        assert!(message(root, Split::Train).starts_with("train/ant/boxes.xml: does not belong here; "));
    }

    #[test]
    fn what_is_missing_is_named() {
        let folder = folder();
        let root = folder.path();
        fs::create_dir(root.join("train/cow")).unwrap();
        assert_eq!(message(root, Split::Train), "train/cow: no pictures; expected at least one");
        fs::remove_dir_all(root.join("train")).unwrap();
        assert!(message(root, Split::Train).starts_with("train: missing; "));
        assert!(message(root, Split::Test).starts_with("train: missing; expected a folder for each class there, or "));
        fs::write(root.join("classes.txt"), "dog\nzebra\n").unwrap();
        let val = open(root, Split::Test).unwrap();
        assert_eq!((val.class_names(), val.labels()), (&["dog".to_owned(), "zebra".to_owned()][..], &[1][..]));
        fs::remove_dir_all(root.join("val")).unwrap();
        assert!(message(root, Split::Test).starts_with("test/ant: does not belong here; expected a class of "));
        fs::remove_dir_all(root.join("test")).unwrap();
        assert!(message(root, Split::Test).starts_with("val: missing; "));
    }

    #[test]
    fn a_part_without_pictures_is_an_error() {
        let folder = folder();
        fs::remove_file(folder.path().join("val/zebra/v.webp")).unwrap();
        assert_eq!(message(folder.path(), Split::Test), "val: no pictures; expected at least one");
    }
}
