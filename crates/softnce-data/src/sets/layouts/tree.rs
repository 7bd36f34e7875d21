//! A folder for each class below a folder for each part, as ImageNet is commonly kept.
//!
//! Each part is read as torchvision's `ImageFolder` reads it, with the classes of the training part.

use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::ContentError;
use crate::sets::class_folders::add_classes;
use crate::sets::decode::is_picture;
use crate::sets::error::SetError;
use crate::sets::file_set::FileSet;
use crate::sets::layout::{Open, Rules};
use crate::sets::listing::{FolderContent, left_out, list};
use crate::sets::names;
use crate::sets::parts::Parts;
use crate::sets::split::Split;

pub(in crate::sets) static RULES: Rules = Rules {
    name: "tree",
    title: "A folder for each class below train/, and below val/ or test/ or both",
    sign: "train/CLASS/",
    parts: &Split::ALL,
    origin: None,
    detect,
    proof: 1,
    open: Open::Files(open),
};

/// A file with the names of the classes, for sets without training folders.
const CLASSES: &str = "classes.txt";

fn open(root: &Path, split: Split) -> Result<FileSet, SetError> {
    let (source, classes) = classes(root, Parts::find(root, |_| false)?.train)?;
    let number: HashMap<&OsStr, usize> =
        (0..).zip(&classes).map(|(number, class)| (class.as_os_str(), number)).collect();
    let is_class = |name: &OsString| number.contains_key(name.as_os_str());
    let parts = Parts::find(root, |folder| list(folder).is_ok_and(|found| found.folders.iter().any(is_class)))?;
    let folder = parts.folder(root, split)?;
    let FolderContent { folders, files, left_out: beside } = list(folder)?;
    let numbered = |class: OsString| match number.get(class.as_os_str()) {
        Some(&number) => Ok((class, number)),
        None => Err(ContentError::stray(&folder.join(class), format!("a class of {}", source.display()))),
    };
    let numbered = folders.into_iter().map(numbered).collect::<Result<Vec<_>, SetError>>()?;
    let mut set = FileSet::new(classes.iter().map(|class| class.to_string_lossy().into_owned()).collect());
    add_classes(&mut set, folder, numbered, [files, beside].concat(), |_| false)?;
    let others: Vec<PathBuf> = parts.others.iter().map(|name| root.join(name)).collect();
    // Once for all parts.
    if let Some(warning) = left_out(root, &others).filter(|_| split == Split::Train || parts.train.is_none()) {
        set.warn(warning);
    }
    Ok(set)
}

/// Whether there are folders of parts. Where there is one, or none of them holds a folder, pictures in them make them
/// classes of that name.
fn detect(root: &Path) -> bool {
    let Ok(parts) = Parts::find(root, |_| false) else { return false };
    let found: Vec<FolderContent> = parts.train.iter().chain(&parts.test).filter_map(|path| list(path).ok()).collect();
    let have_pictures = found.iter().any(|part| part.files.iter().any(|file| is_picture(file)));
    !found.is_empty() && (!have_pictures || (found.len() > 1 && found.iter().any(|part| !part.folders.is_empty())))
}

/// The classes in order, and the folder or file that names them: the training folders sorted by name; without them, the
/// lines of a file.
fn classes(root: &Path, train: Option<PathBuf>) -> Result<(PathBuf, Vec<OsString>), SetError> {
    if let Some(train) = train {
        let classes = list(&train)?.folders;
        return if classes.is_empty() { Err(ContentError::empty(&train)) } else { Ok((train, classes)) };
    }
    let path = root.join(CLASSES);
    match names::read(&path)? {
        Some(names) => {
            let mut known = HashSet::new();
            match names.iter().position(|name| !known.insert(name.as_str())) {
                None => Ok((path, names.into_iter().map(OsString::from).collect())),
                Some(at) => Err(ContentError::line(&path, at + 1, format!("'{}'", names[at]), "each class once")),
            }
        }
        None => Err(SetError::Missing {
            path: root.join("train"),
            expected: format!("a folder for each class there, or their names in {CLASSES}, in order"),
        }),
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
        let val = open(folder.path(), Split::Validation).unwrap();
        assert_eq!((val.class_names().len(), val.labels()), (2, &[1][..]));
        assert_eq!(files(folder.path(), &val), ["val/zebra/v.webp"]);
    }

    #[test]
    fn the_third_part_is_the_test_part() {
        let folder = folder();
        let test = || files(folder.path(), &open(folder.path(), Split::Test).unwrap());
        assert_eq!(test(), ["test/ant/t.png"]);
        fs::rename(folder.path().join("val"), folder.path().join("Valid")).unwrap();
        let validation = open(folder.path(), Split::Validation).unwrap();
        assert_eq!(files(folder.path(), &validation), ["Valid/zebra/v.webp"]);
        // Test pictures that are not sorted into classes have no labels.
        fs::rename(folder.path().join("test/ant"), folder.path().join("test/images")).unwrap();
        assert_eq!(test(), ["Valid/zebra/v.webp"]);
        assert!(matches!(open(folder.path(), Split::Validation), Err(SetError::NoPart { .. })));
        let train = open(folder.path(), Split::Train).unwrap();
        let expected = format!("{}: 1 file or folder is not read: test", folder.path().display());
        assert_eq!(train.warnings(), [expected]);
    }

    #[test]
    fn pictures_in_folders_below_a_class_belong_to_it() {
        let folder = folder();
        write_picture(&folder.path().join("train/ant/deep/er/a.png"), [0; 3]);
        write_picture(&folder.path().join("train/ant/deep-1/a.png"), [0; 3]);
        let train = open(folder.path(), Split::Train).unwrap();
        // As torchvision.datasets.ImageFolder("train").samples
        let expected = ["train/ant/b.bmp", "train/ant/deep-1/a.png", "train/ant/deep/er/a.png"];
        assert_eq!(files(folder.path(), &train)[..3], expected);
        assert_eq!(train.labels(), [0, 0, 0, 1, 1]);
    }

    #[test]
    fn what_does_not_belong_is_named() {
        let folder = folder();
        let root = folder.path();
        write_picture(&root.join("val/yak/1.png"), [0; 3]);
        assert!(message(root, Split::Validation).starts_with("val/yak: does not belong here; expected a class of "));
        for stray in ["train/readme.txt", "train/ant/boxes.xml", "train/.DS_Store"] {
            fs::write(root.join(stray), "").unwrap();
        }
        let train = open(root, Split::Train).unwrap();
        let expected = "train: 2 files or folders are not read: readme.txt, ant/boxes.xml";
        assert_eq!(train.warnings(), [format!("{}{}{expected}", root.display(), std::path::MAIN_SEPARATOR)]);
    }

    #[test]
    fn what_is_missing_is_named() {
        let folder = folder();
        let root = folder.path();
        fs::create_dir(root.join("train/cow")).unwrap();
        let train = open(root, Split::Train).unwrap();
        assert_eq!(
            (train.class_names(), train.labels()),
            (&["ant", "cow", "zebra"].map(str::to_owned)[..], &[0, 2, 2][..])
        );
        assert!(train.warnings()[0].contains("no pictures of cow: "), "{:?}", train.warnings());
        // It may have pictures in another part.
        write_picture(&root.join("test/cow/1.png"), [0; 3]);
        assert_eq!(open(root, Split::Test).unwrap().labels(), [0, 1]);
        fs::remove_dir_all(root.join("train")).unwrap();
        assert!(message(root, Split::Train).starts_with("train: missing; expected a folder for each class there, or "));
        fs::write(root.join("classes.txt"), "dog\nzebra\n").unwrap();
        let val = open(root, Split::Test).unwrap();
        assert_eq!((val.class_names(), val.labels()), (&["dog".to_owned(), "zebra".to_owned()][..], &[1][..]));
        fs::remove_dir_all(root.join("val")).unwrap();
        assert!(message(root, Split::Test).starts_with("test/ant: does not belong here; expected a class of "));
        fs::remove_dir_all(root.join("test")).unwrap();
        assert!(message(root, Split::Test).contains("no test part: "));
    }

    #[test]
    fn a_part_without_pictures_is_an_error() {
        let folder = folder();
        fs::remove_file(folder.path().join("test/ant/t.png")).unwrap();
        assert_eq!(message(folder.path(), Split::Test), "test: no pictures; expected at least one");
    }
}
