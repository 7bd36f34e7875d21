//! A folder for each class directly under the root, as torchvision's `ImageFolder` reads them.
//!
//! Classes are the folders in the root, sorted by name. A class holds the pictures in its folder and in all folders
//! below it, in the order of their paths. As in `ImageFolder`, names are compared by code points, and files beside the
//! class folders are not read. Unlike there, hidden files and folders are left out, a folder without pictures is a
//! class, and a warning names what is not read.

use std::ffi::OsString;
use std::path::Path;

use super::tree;
use crate::sets::class_folders::{ClassNumbers, add_classes};
use crate::sets::error::SetError;
use crate::sets::file_set::FileSet;
use crate::sets::layout::{Open, Rules};
use crate::sets::listing::{holds_pictures, list};
use crate::sets::split::Split;

pub(in crate::sets) static RULES: Rules = Rules {
    name: "image-folder",
    title: "A folder for each class directly under the root, as torchvision's ImageFolder reads them",
    sign: "CLASS/ with pictures",
    parts: &[Split::Train],
    origin: None,
    detect,
    proof: 0,
    open: Open::Files(|root, _| open(root)),
};

fn open(root: &Path) -> Result<FileSet, SetError> {
    let classes = list(root)?.folders;
    if classes.is_empty() {
        let expected = "a folder with pictures for each class in it".to_owned();
        return Err(SetError::Missing { path: root.join("CLASS"), expected });
    }
    let mut set = FileSet::new(classes.iter().map(|class| class.to_string_lossy().into_owned()).collect());
    let numbers: ClassNumbers<'_> = classes.iter().map(OsString::as_os_str).zip(0..).collect();
    add_classes(&mut set, root, &numbers, &root.display().to_string(), |_| false)?;
    Ok(set)
}

/// A folder that holds a folder of training pictures is a whole data set rather than a class.
fn detect(root: &Path) -> bool {
    let folders = list(root).map(|found| found.folders).unwrap_or_default();
    let paths: Vec<_> = folders.iter().map(|name| root.join(name)).collect();
    !paths.iter().any(|path| tree::is_set(path)) && paths.iter().any(|path| holds_pictures(path))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::PictureSource;
    use crate::sets::Layout;
    use crate::sets::decode::tests::write_picture;

    fn folder(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            write_picture(&folder.path().join(file), [10, 20, 30]);
        }
        folder
    }

    /// The class and the path of each picture.
    fn pictures(root: &Path, set: &FileSet) -> Vec<(usize, String)> {
        let path = |index| set.path(index).unwrap().strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
        set.labels().iter().enumerate().map(|(index, &label)| (label, path(index))).collect()
    }

    #[test]
    fn classes_and_pictures_are_in_the_order_of_torchvision() {
        let files = [
            "zebra/2.png",
            "zebra/10.jpg",
            "Zebra/x.PNG",
            "ant/b/deep/3.png",
            "ant/b-c/2.png",
            "ant/b/1.JPEG",
            "ant/z.bmp",
            "\u{e4}pfel/1.webp",
            "\u{ff5e}/1.png",
            "\u{1f600}/1.png",
            "10/1.png",
            "9/1.png",
        ];
        let folder = folder(&files);
        fs::write(folder.path().join("readme.txt"), "beside the classes").unwrap();
        fs::write(folder.path().join("ant/b/notes.txt"), "no picture").unwrap();
        fs::write(folder.path().join("ant/.hidden.png"), "").unwrap();
        let set = open(folder.path()).unwrap();
        // torchvision.datasets.ImageFolder(root).classes, without the hidden file
        let classes = ["10", "9", "Zebra", "ant", "zebra", "\u{e4}pfel", "\u{ff5e}", "\u{1f600}"];
        assert_eq!(set.class_names(), classes);
        // [(label, path.removeprefix(root + "/")) for path, label in torchvision.datasets.ImageFolder(root).samples]
        let expected = [
            (0, "10/1.png"),
            (1, "9/1.png"),
            (2, "Zebra/x.PNG"),
            (3, "ant/z.bmp"),
            (3, "ant/b/1.JPEG"),
            (3, "ant/b-c/2.png"),
            (3, "ant/b/deep/3.png"),
            (4, "zebra/10.jpg"),
            (4, "zebra/2.png"),
            (5, "\u{e4}pfel/1.webp"),
            (6, "\u{ff5e}/1.png"),
            (7, "\u{1f600}/1.png"),
        ];
        let found = pictures(folder.path(), &set);
        assert_eq!(found.iter().map(|(label, path)| (*label, path.as_str())).collect::<Vec<_>>(), expected);
        assert_eq!(set.picture(0).unwrap().pixels[..3], [10, 20, 30]);
    }

    #[test]
    fn what_is_not_read_and_classes_without_pictures_are_named() {
        let folder = folder(&["ant/1.png", "cat/1.png"]);
        assert_eq!(open(folder.path()).unwrap().warnings(), [""; 0]);
        fs::create_dir_all(folder.path().join("bee/empty")).unwrap();
        fs::write(folder.path().join("bee/empty/a.txt"), "no picture").unwrap();
        fs::write(folder.path().join("readme.txt"), "").unwrap();
        for left_behind in ["__MACOSX", "cat/.ipynb_checkpoints"] {
            write_picture(&folder.path().join(left_behind).join("1.png"), [0; 3]);
        }
        let set = open(folder.path()).unwrap();
        // The empty class keeps its number.
        assert_eq!((set.class_names().len(), set.labels()), (3, &[0, 2][..]));
        let root = folder.path().display();
        let expected = [
            format!(
                "{root}: no pictures of bee: a class without pictures keeps its number; remove a folder that is no class"
            ),
            format!(
                "{root}: 4 files or folders are not read as pictures: readme.txt, __MACOSX, bee/empty/a.txt, cat/.ipynb_checkpoints"
            ),
        ];
        assert_eq!(set.warnings(), expected);
        fs::remove_dir_all(folder.path().join("ant")).unwrap();
        fs::remove_dir_all(folder.path().join("cat")).unwrap();
        let message = open(folder.path()).unwrap_err().to_string();
        let expected =
            "no pictures (readme.txt and 1 more are not read as pictures); expected at least one that ends in jpg, ";
        assert!(message.starts_with(&format!("{root}: {expected}")), "{message}");
        let nothing = tempfile::tempdir().unwrap();
        fs::write(nothing.path().join("1.png"), "").unwrap();
        assert!(
            open(nothing.path()).unwrap_err().to_string().contains("expected a folder with pictures for each class")
        );
    }

    #[test]
    fn there_is_no_test_part() {
        let folder = folder(&["ant/1.png", "bee/1.png"]);
        let layout = Layout::detect(folder.path()).unwrap();
        assert_eq!(layout, Layout::IMAGE_FOLDER);
        assert_eq!(layout.open(folder.path(), Split::Train).unwrap().labels(), [0, 1]);
        let message = layout.open(folder.path(), Split::Test).unwrap_err().to_string();
        assert!(message.ends_with("set the share of the pictures to test on (data.test_share)"), "{message}");
    }

    #[test]
    fn other_layouts_go_first() {
        let cases: [(&[&str], Option<Layout>); 13] = [
            (&["train/ant/1.png", "val/ant/1.png"], Some(Layout::TREE)),
            // A class of trains.
            (&["train/1.png", "car/1.png"], Some(Layout::IMAGE_FOLDER)),
            (&["ant/1.png", "bee/deep/1.png"], Some(Layout::IMAGE_FOLDER)),
            (&["ant/a/b/1.png", "bee/deep/1.png"], Some(Layout::IMAGE_FOLDER)),
            // A stray picture beside the classes of a part.
            (&["train/ant/1.png", "train/1.png", "valid/ant/1.png"], Some(Layout::TREE)),
            // Data sets side by side.
            (&["first/train/ant/1.png", "second/train/bee/1.png"], None),
            (&["first/Training/ant/1.png", "second/Training/bee/1.png"], None),
            // A class with a folder of trains.
            (&["vehicle/train/1.png", "vehicle/car/1.png", "animal/1.png"], Some(Layout::IMAGE_FOLDER)),
            (&["TRAIN/ant/1.png", "Val/ant/1.png"], Some(Layout::TREE)),
            // Two folders of one part: opening it names both.
            (&["train/ant/1.png", "val/ant/1.png", "valid/ant/1.png"], Some(Layout::TREE)),
            // Pictures that are not sorted into classes: opening it says so.
            (&["train/1.png", "test/1.png"], Some(Layout::TREE)),
            (&["train/ant/1.png", "train/1.png"], Some(Layout::TREE)),
            (&["1.png"], None),
        ];
        for (files, layout) in cases {
            let folder = folder(files);
            assert_eq!(Layout::detect(folder.path()).ok(), layout, "{files:?}");
        }
    }
}
