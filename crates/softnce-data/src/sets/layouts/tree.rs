//! A folder for each class below a folder for each part, as ImageNet is commonly kept.
//!
//! Each part is read as torchvision's `ImageFolder` reads it, with the classes of the training part.

use std::collections::HashSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::ContentError;
use crate::sets::class_folders::{ClassNumbers, add_classes};
use crate::sets::decode::is_picture;
use crate::sets::error::SetError;
use crate::sets::file_set::FileSet;
use crate::sets::layout::{Open, Rules};
use crate::sets::listing::{FolderContent, left_out, list};
use crate::sets::names;
use crate::sets::parts::{Parts, is_part};
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
    let numbers: ClassNumbers<'_> = classes.iter().map(OsString::as_os_str).zip(0..).collect();
    let is_class = |name: &OsString| numbers.contains_key(name.as_os_str());
    let parts = Parts::find(root, |folder| list(folder).is_ok_and(|found| found.folders.iter().any(is_class)))?;
    let folder = parts.folder(root, split)?;
    let mut set = FileSet::new(classes.iter().map(|class| class.to_string_lossy().into_owned()).collect());
    add_classes(&mut set, folder, &numbers, &source.display().to_string(), |_| false)?;
    // Once for all parts.
    if split == Split::Train || parts.train.is_none() {
        let others: Vec<PathBuf> =
            parts.others.iter().map(|name| root.join(name)).filter(|path| *path != source).collect();
        left_out(root, &others).into_iter().for_each(|warning| set.warn(warning));
    }
    Ok(set)
}

/// Whether there are folders of parts. Beside other folders, those that hold pictures and no folders are classes of
/// that name.
fn detect(root: &Path) -> bool {
    let folders = list(root).map(|found| found.folders).unwrap_or_default();
    let is_any = |name: &OsString| Split::ALL.into_iter().any(|part| is_part(name, part));
    let (parts, others): (Vec<_>, Vec<_>) = folders.into_iter().partition(is_any);
    let found: Vec<FolderContent> = parts.iter().filter_map(|name| list(&root.join(name)).ok()).collect();
    let have_pictures = found.iter().any(|part| part.files.iter().any(|file| is_picture(file)));
    let has_folders = found.len() > 1 && found.iter().any(|part| !part.folders.is_empty());
    !found.is_empty() && (others.is_empty() || !have_pictures || has_folders)
}

/// Whether a folder is a whole set with a training part.
pub(super) fn is_set(root: &Path) -> bool {
    let has_training = list(root).is_ok_and(|found| found.folders.iter().any(|name| is_part(name, Split::Train)));
    has_training && detect(root)
}

/// The classes in order, and the folder or file that names them: the training folders sorted by name; without them, the
/// lines of a file.
fn classes(root: &Path, train: Option<PathBuf>) -> Result<(PathBuf, Vec<OsString>), SetError> {
    if let Some(train) = train {
        let classes = list(&train)?.folders;
        return match classes.is_empty() {
            true => Err(ContentError::whole(&train, "no folders", "a folder with pictures for each class")),
            false => Ok((train, classes)),
        };
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
        let expected = format!("{}: 1 file or folder is not read as pictures: test", folder.path().display());
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
        let expected = "train: 2 files or folders are not read as pictures: readme.txt, ant/boxes.xml";
        let expected = format!("{}{}{expected}", root.display(), std::path::MAIN_SEPARATOR);
        assert_eq!(train.warnings(), [expected.as_str()]);
        // Beside the parts, too; an empty folder that is no class.
        fs::write(root.join("readme.txt"), "").unwrap();
        fs::create_dir(root.join("__MACOSX")).unwrap();
        let beside = format!("{}: 2 files or folders are not read as pictures: readme.txt, __MACOSX", root.display());
        assert_eq!(open(root, Split::Train).unwrap().warnings(), [expected, beside]);
        fs::create_dir(root.join("test/images")).unwrap();
        let test = open(root, Split::Test).unwrap();
        assert!(test.warnings()[0].ends_with("1 file or folder is not read as pictures: images"), "{test:?}");
    }

    #[test]
    fn pictures_without_classes_are_no_part() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for file in ["train/ant/1.png", "train/bee/1.png", "test/1.png", "test/2.png"] {
            write_picture(&root.join(file), [0; 3]);
        }
        let error = open(root, Split::Test).unwrap_err();
        assert!(matches!(error, SetError::NoPart { .. }), "{error}");
        let train = open(root, Split::Train).unwrap();
        assert!(train.warnings()[0].ends_with("1 file or folder is not read as pictures: test"), "{train:?}");
        fs::remove_dir_all(root.join("train")).unwrap();
        write_picture(&root.join("train/1.png"), [0; 3]);
        assert_eq!(message(root, Split::Train), "train: no folders; expected a folder with pictures for each class");
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
        assert!(message(root, Split::Test).contains("no test part: test has no folder of a class; "));
        fs::remove_dir_all(root.join("test")).unwrap();
        assert!(message(root, Split::Test).contains("no test part: "));
    }

    #[test]
    fn a_part_without_pictures_is_an_error() {
        let folder = folder();
        fs::remove_file(folder.path().join("test/ant/t.png")).unwrap();
        assert_eq!(message(folder.path(), Split::Test), "test: no pictures; expected at least one");
        fs::write(folder.path().join("test/a.txt"), "").unwrap();
        fs::write(folder.path().join("test/ant/t.HEIC"), "").unwrap();
        let expected = "test: no pictures (ant/t.HEIC and 1 more are not read as pictures); expected at least one that \
                        ends in jpg, jpeg, jpe, jfif, png, ";
        assert!(message(folder.path(), Split::Test).starts_with(expected), "{}", message(folder.path(), Split::Test));
    }
}
