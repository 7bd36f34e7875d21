//! A folder for each class directly under the root, as torchvision's `ImageFolder` reads them.
//!
//! Classes are the folders in the root, sorted by name. A class holds the pictures in its folder and in all folders
//! below it, in the order of their paths. As in `ImageFolder`, names are compared by code points, and files beside the
//! class folders are not read. Unlike there, hidden files and folders are left out, and pictures that are left out for
//! their ending are named in a warning.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::ContentError;
use crate::PictureSource;
use crate::sets::decode::{endings, is_picture};
use crate::sets::error::SetError;
use crate::sets::file_set::FileSet;
use crate::sets::layout::Rules;
use crate::sets::listing::{list, walk};
use crate::sets::split::Split;

pub(in crate::sets) static RULES: Rules = Rules {
    name: "image-folder",
    title: "A folder for each class directly under the root, as torchvision's ImageFolder reads them",
    sign: "CLASS/ with pictures",
    parts: &[Split::Train],
    origin: None,
    detect,
    proof: 0,
    open: |root, _| Ok(Arc::new(open(root)?)),
};

fn open(root: &Path) -> Result<FileSet, SetError> {
    let classes = list(root)?.folders;
    if classes.is_empty() {
        let expected = "a folder with pictures for each class in it".to_owned();
        return Err(SetError::Missing { path: root.join("CLASS"), expected });
    }
    let mut set = FileSet::new(classes.iter().map(|class| class.to_string_lossy().into_owned()).collect());
    let mut left_out: Vec<PathBuf> = Vec::new();
    for (label, class) in classes.iter().enumerate() {
        let path = root.join(class);
        let before = set.labels().len();
        let mut folders = walk(&path)?;
        // Python sorts the folders by their whole paths, where `a-b` comes before `a/b`.
        folders.sort_by(|(one, _), (other, _)| bytes(one).cmp(bytes(other)));
        for (folder, files) in folders {
            let (pictures, others): (Vec<_>, Vec<_>) = files.into_iter().partition(|file| is_picture(file));
            left_out.extend(others.into_iter().map(|file| folder.join(file)));
            set.add(folder, pictures.into_iter().map(|file| (file, label)));
        }
        if set.labels().len() == before {
            return Err(ContentError::empty(&path));
        }
    }
    if let Some(first) = left_out.first() {
        let (count, first, endings) = (left_out.len(), first.display(), endings());
        log::warn!("{}: left out {count} files that are not {endings}; the first is {first}", root.display());
    }
    Ok(set)
}

/// Unless a folder has pictures of its own, its name is hardly a class: it may hold a whole data set.
fn detect(root: &Path) -> bool {
    let folders = list(root).map(|found| found.folders).unwrap_or_default();
    let has_pictures =
        |name: &OsString| list(&root.join(name)).is_ok_and(|found| found.files.iter().any(|f| is_picture(f)));
    folders.iter().any(has_pictures)
}

fn bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_encoded_bytes()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
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
    fn a_folder_without_pictures_is_named() {
        let folder = folder(&["ant/1.png"]);
        let message = || open(folder.path()).unwrap_err().to_string();
        fs::create_dir_all(folder.path().join("bee/empty")).unwrap();
        assert_eq!(message(), format!("{}: no pictures; expected at least one", folder.path().join("bee").display()));
        fs::write(folder.path().join("bee/empty/a.txt"), "no picture").unwrap();
        assert!(message().contains("bee: no pictures"));
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
        let cases: [(&[&str], Option<Layout>); 5] = [
            (&["train/ant/1.png", "val/ant/1.png"], Some(Layout::TREE)),
            // A class of trains.
            (&["train/1.png", "car/1.png"], Some(Layout::IMAGE_FOLDER)),
            (&["ant/1.png", "bee/deep/1.png"], Some(Layout::IMAGE_FOLDER)),
            // Data sets side by side.
            (&["first/train/ant/1.png", "second/train/bee/1.png"], None),
            (&["1.png"], None),
        ];
        for (files, layout) in cases {
            let folder = folder(files);
            assert_eq!(Layout::detect(folder.path()).ok(), layout, "{files:?}");
        }
    }
}
