//! Tiny ImageNet, as Stanford's course CS231n publishes it, or with its validation pictures sorted into class folders.

use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::ContentError;
use crate::sets::class_folders::{ClassNumbers, add_classes};
use crate::sets::decode::is_picture;
use crate::sets::error::SetError;
use crate::sets::file_set::FileSet;
use crate::sets::layout::{Open, Rules};
use crate::sets::listing::{FolderContent, holds_pictures, left_out, list};
use crate::sets::names;
use crate::sets::parts::{Parts, is_part};
use crate::sets::split::Split;

pub(in crate::sets) static RULES: Rules = Rules {
    name: "tiny-imagenet",
    title: "Tiny ImageNet, as CS231n publishes it",
    sign: "wnids.txt with train/",
    parts: &Split::ALL,
    origin: None,
    detect,
    proof: 2,
    open: Open::Files(open),
};

const IDS: &str = "wnids.txt";
const WORDS: &str = "words.txt";
const ANNOTATIONS: &str = "val_annotations.txt";
const IMAGES: &str = "images";

fn open(root: &Path, split: Split) -> Result<FileSet, SetError> {
    let ids = ids(&root.join(IDS))?;
    let set = FileSet::new(class_names(&root.join(WORDS), &ids)?);
    // The published test pictures have no labels.
    let is_test = |folder: &Path| folder.file_name().is_some_and(|name| is_part(name, Split::Test));
    let parts = Parts::find(root, |folder| !is_test(folder) || is_sorted(folder, &ids))?;
    let folder = parts.folder(root, split)?;
    let missing = |id: &&String| split == Split::Train && !folder.join(id).is_dir();
    if let Some(id) = ids.iter().find(missing) {
        let expected = format!("the pictures of a class named in {IDS}");
        return Err(SetError::Missing { path: folder.join(id), expected });
    }
    let published = folder.join(ANNOTATIONS).is_file() && holds_pictures(&folder.join(IMAGES));
    match is_sorted(folder, &ids) && !published {
        true => sorted(folder, &ids, set),
        false => annotated(folder, &ids, set),
    }
}

fn detect(root: &Path) -> bool {
    root.join(IDS).is_file() && (root.join("train").is_dir() || root.join("val").join(ANNOTATIONS).is_file())
}

/// The WordNet ids of the classes, sorted.
fn ids(path: &Path) -> Result<Vec<String>, SetError> {
    let expected = "the WordNet ids of the classes, one a line";
    let lines =
        names::read(path)?.ok_or_else(|| SetError::Missing { path: path.to_owned(), expected: expected.to_owned() })?;
    let mut ids = lines.clone();
    ids.sort_unstable();
    if let Some(twice) = ids.windows(2).find(|pair| pair[0] == pair[1]) {
        let line = lines.iter().rposition(|line| *line == twice[0]).unwrap_or(0) + 1;
        return Err(ContentError::line(path, line, format!("'{}'", twice[0]), "each WordNet id once"));
    }
    if ids.is_empty() {
        return Err(ContentError::line(path, 1, "''", expected));
    }
    Ok(ids)
}

/// The English names of the ids, from lines of an id, a tab and words; without the file, the ids.
fn class_names(path: &Path, ids: &[String]) -> Result<Vec<String>, SetError> {
    let Some(lines) = names::read(path)? else { return Ok(ids.to_vec()) };
    let mut words = HashMap::new();
    for (index, line) in lines.iter().enumerate() {
        let Some((id, meaning)) = line.split_once('\t') else {
            return Err(ContentError::line(path, index + 1, format!("'{line}'"), "a WordNet id, a tab and words"));
        };
        words.insert(id, meaning);
    }
    // Two classes may have the same name: ImageNet has two cranes. Their ids are added.
    let mut uses: HashMap<&str, usize> = HashMap::new();
    for meaning in ids.iter().filter_map(|id| words.get(id.as_str())) {
        *uses.entry(meaning).or_default() += 1;
    }
    Ok(ids
        .iter()
        .map(|id| match words.get(id.as_str()) {
            None => id.clone(),
            Some(meaning) if uses.get(meaning).is_some_and(|&uses| uses > 1) => format!("{meaning} ({id})"),
            Some(&meaning) => meaning.to_owned(),
        })
        .collect())
}

/// Whether a folder holds folders of classes.
fn is_sorted(folder: &Path, ids: &[String]) -> bool {
    ids.iter().any(|id| folder.join(id).is_dir())
}

/// `WNID/images/*` or `WNID/*`; the lists of boxes beside them are not read.
fn sorted(folder: &Path, ids: &[String], mut set: FileSet) -> Result<FileSet, SetError> {
    let numbers: ClassNumbers<'_> = ids.iter().map(OsStr::new).zip(0..).collect();
    let is_list = |name: &OsStr| name == ANNOTATIONS || name.as_encoded_bytes().ends_with(b"_boxes.txt");
    add_classes(&mut set, folder, &numbers, IDS, is_list)?;
    Ok(set)
}

/// `images/*`, in the order of the lines of `val_annotations.txt`: file, id and a box, separated by tabs.
fn annotated(folder: &Path, ids: &[String], mut set: FileSet) -> Result<FileSet, SetError> {
    let annotations = folder.join(ANNOTATIONS);
    let Some(lines) = names::read(&annotations)? else {
        let expected = format!("the ids of the pictures in {IMAGES}/; or a folder for each class named in {IDS}");
        return Err(SetError::Missing { path: annotations, expected });
    };
    let images = folder.join(IMAGES);
    let FolderContent { folders, files, left_out: beside } = list(&images)?;
    let (there, others): (Vec<_>, Vec<_>) = files.into_iter().partition(|file| is_picture(file));
    let not_read: Vec<PathBuf> =
        others.into_iter().chain(folders).chain(beside).map(|name| images.join(name)).collect();
    if let Some(warning) = left_out(folder, &not_read) {
        set.warn(warning);
    }
    let there: HashSet<OsString> = there.into_iter().collect();
    let mut named: HashSet<OsString> = HashSet::new();
    let mut files = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let bad = |found: &str, expected: String| {
            ContentError::line::<SetError>(&annotations, index + 1, format!("'{found}'"), expected)
        };
        let mut fields = line.split('\t');
        let (Some(file), Some(id)) = (fields.next(), fields.next()) else {
            return Err(bad(line, "a file, a tab and a WordNet id".to_owned()));
        };
        let label =
            ids.binary_search_by(|known| known.as_str().cmp(id)).map_err(|_| bad(id, format!("an id of {IDS}")))?;
        let file = OsString::from(file);
        if !there.contains(&file) {
            return Err(bad(line, format!("a file in {}", images.display())));
        }
        if !named.insert(file.clone()) {
            return Err(bad(line, "each file once".to_owned()));
        }
        files.push((file, label));
    }
    if let Some(unnamed) = there.difference(&named).min() {
        return Err(ContentError::stray(&images.join(unnamed), format!("the files named in {ANNOTATIONS}")));
    }
    if files.is_empty() {
        return Err(ContentError::empty(&annotations));
    }
    set.add(images, files);
    Ok(set)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::PictureSource;
    use crate::sets::Layout;
    use crate::sets::decode::tests::write_picture;

    const LINES: &str = "val_0.JPEG\tn03\t0\t32\t44\t62\nval_1.JPEG\tn01\t1\t2\t3\t4\nval_10.JPEG\tn03\t1\t2\t3\t4\n";

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for (number, id) in ["n01", "n02", "n03"].iter().enumerate() {
            for picture in 0..=number {
                write_picture(&root.join(format!("train/{id}/images/{id}_{picture}.JPEG")), [60, 60, 60]);
            }
            fs::write(root.join(format!("train/{id}/{id}_boxes.txt")), "n01_0.JPEG\t0\t0\t63\t63\n").unwrap();
        }
        for picture in [0, 1, 10] {
            write_picture(&root.join(format!("val/images/val_{picture}.JPEG")), [picture, 0, 0]);
        }
        fs::write(root.join("wnids.txt"), "n03\nn01\nn02").unwrap();
        fs::write(root.join("words.txt"), "n00\tentity\nn01\tcrane\nn02\tgoldfish, Carassius auratus\nn03\tcrane\n")
            .unwrap();
        fs::write(root.join("val/val_annotations.txt"), LINES).unwrap();
        folder
    }

    fn message(root: &Path, split: Split) -> String {
        let message = open(root, split).unwrap_err().to_string();
        message.replace(&format!("{}{}", root.display(), std::path::MAIN_SEPARATOR), "")
    }

    #[test]
    fn classes_are_in_the_order_of_their_ids() {
        let folder = folder();
        let train = open(folder.path(), Split::Train).unwrap();
        assert_eq!(train.class_names(), ["crane (n01)", "goldfish, Carassius auratus", "crane (n03)"]);
        assert_eq!(train.labels(), [0, 1, 1, 2, 2, 2]);
        assert!(train.path(4).unwrap().ends_with("train/n03/images/n03_1.JPEG"));
        assert_eq!(train.picture(0).unwrap().pixels[0], 60);
        // The lists of boxes belong to the set.
        assert_eq!(train.warnings(), [""; 0]);
        fs::remove_file(folder.path().join("words.txt")).unwrap();
        assert_eq!(open(folder.path(), Split::Train).unwrap().class_names(), ["n01", "n02", "n03"]);
    }

    #[test]
    fn validation_pictures_are_in_the_order_of_the_annotations() {
        let folder = folder();
        let val = open(folder.path(), Split::Test).unwrap();
        assert_eq!((val.labels(), val.class_names().len()), (&[2, 0, 2][..], 3));
        assert!(val.path(2).unwrap().ends_with("val/images/val_10.JPEG"));
        // As an editor on Windows saves it.
        let lines = format!("\u{feff}{}\r\n", LINES.replace('\n', "\r\n"));
        fs::write(folder.path().join("val/val_annotations.txt"), lines).unwrap();
        assert_eq!(open(folder.path(), Split::Test).unwrap().labels(), [2, 0, 2]);
    }

    #[test]
    fn annotations_that_disagree_with_the_files_are_named() {
        let folder = folder();
        let root = folder.path();
        let with = |lines: &str| {
            fs::write(root.join("val/val_annotations.txt"), lines).unwrap();
            message(root, Split::Test)
        };
        let at = |line: usize| format!("val/val_annotations.txt, line {line}: ");
        assert_eq!(with(&LINES.replacen("n01", "n09", 1)), at(2) + "'n09'; expected an id of wnids.txt");
        assert!(with(&LINES.replace("val_10", "val_2")).starts_with(&(at(3) + "'val_2.JPEG\tn03\t1")));
        assert!(with(&LINES.replace("val_1.", "val_0.")).ends_with("; expected each file once"));
        assert_eq!(with("val_0.JPEG n03\n"), at(1) + "'val_0.JPEG n03'; expected a file, a tab and a WordNet id");
        let cut = &LINES[..LINES.find("val_10").unwrap()];
        assert!(with(cut).starts_with("val/images/val_10.JPEG: does not belong here; "));
        fs::remove_file(root.join("val/val_annotations.txt")).unwrap();
        let expected = "the ids of the pictures in images/; or a folder for each class named in wnids.txt";
        assert_eq!(message(root, Split::Test), format!("val/val_annotations.txt: missing; expected {expected}"));
    }

    #[test]
    fn validation_pictures_may_be_sorted_into_class_folders() {
        for below in ["images/", ""] {
            let folder = folder();
            let root = folder.path();
            for (name, id) in [("val_0.JPEG", "n03"), ("val_1.JPEG", "n01"), ("val_10.JPEG", "n03")] {
                let target = root.join(format!("val/{id}/{below}{name}"));
                fs::create_dir_all(target.parent().unwrap()).unwrap();
                fs::rename(root.join("val/images").join(name), target).unwrap();
            }
            let val = open(root, Split::Test).unwrap();
            assert_eq!(val.labels(), [0, 2, 2]);
            assert!(val.path(0).unwrap().ends_with(format!("val/n01/{below}val_1.JPEG")));
            // The folder that is left behind.
            assert!(
                val.warnings()[0].ends_with("1 file or folder is not read as pictures: images"),
                "{:?}",
                val.warnings()
            );
            assert_eq!(Layout::detect(root).unwrap(), Layout::TINY_IMAGENET);
            // Published test pictures are no part; sorted ones are.
            write_picture(&root.join("test/images/test_0.JPEG"), [0; 3]);
            assert_eq!(open(root, Split::Test).unwrap().labels().len(), 3);
            assert!(matches!(open(root, Split::Validation), Err(SetError::NoPart { .. })));
            fs::rename(root.join("test/images"), root.join("test/n02")).unwrap();
            assert_eq!(open(root, Split::Test).unwrap().labels(), [1]);
            assert_eq!(open(root, Split::Validation).unwrap().labels(), [0, 2, 2]);
        }
    }

    #[test]
    fn training_folders_that_disagree_with_the_ids_are_named() {
        let folder = folder();
        let root = folder.path();
        fs::write(root.join("wnids.txt"), "n01\nn02\n").unwrap();
        assert!(message(root, Split::Train).starts_with("train/n03: does not belong here; "));
        fs::write(root.join("wnids.txt"), "n01\nn02\nn03\nn04\n").unwrap();
        assert!(message(root, Split::Train).starts_with("train/n04: missing; "));
        fs::write(root.join("wnids.txt"), "n01\nn02\nn01\n").unwrap();
        assert_eq!(message(root, Split::Train), "wnids.txt, line 3: 'n01'; expected each WordNet id once");
        fs::write(root.join("words.txt"), "n01 crane\n").unwrap();
        fs::write(root.join("wnids.txt"), "n01\nn02\nn03\n").unwrap();
        assert_eq!(
            message(root, Split::Train),
            "words.txt, line 1: 'n01 crane'; expected a WordNet id, a tab and words"
        );
    }
}
