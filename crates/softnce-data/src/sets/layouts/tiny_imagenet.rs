//! Tiny ImageNet, as Stanford's course CS231n publishes it.

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use crate::ContentError;
use crate::sets::error::SetError;
use crate::sets::file_set::FileSet;
use crate::sets::layout::Rules;
use crate::sets::listing::{FolderContent, list, pictures};
use crate::sets::names;
use crate::sets::split::Split;

pub(in crate::sets) static RULES: Rules = Rules {
    name: "tiny-imagenet",
    title: "Tiny ImageNet, as CS231n publishes it",
    sign: "wnids.txt with train/",
    parts: &Split::ALL,
    origin: None,
    detect,
    proof: 2,
    open: |root, split| Ok(Arc::new(open(root, split)?)),
};

const IDS: &str = "wnids.txt";
const WORDS: &str = "words.txt";
const ANNOTATIONS: &str = "val_annotations.txt";

fn open(root: &Path, split: Split) -> Result<FileSet, SetError> {
    let ids = ids(&root.join(IDS))?;
    let set = FileSet::new(class_names(&root.join(WORDS), &ids)?);
    match split {
        Split::Train => train(&root.join("train"), &ids, set),
        Split::Test => validation(&root.join("val"), &ids, set),
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

/// `train/WNID/images/*`; the lists of boxes beside them are not read.
fn train(folder: &Path, ids: &[String], mut set: FileSet) -> Result<FileSet, SetError> {
    let FolderContent { folders, files } = list(folder)?;
    let unknown = folders.iter().find(|name| !ids.iter().any(|id| name.as_os_str() == id.as_str()));
    if let Some(stray) = files.first().or(unknown) {
        return Err(ContentError::stray(&folder.join(stray), format!("the folders named in {IDS}")));
    }
    for (label, id) in ids.iter().enumerate() {
        let path = folder.join(id).join("images");
        if !path.is_dir() {
            return Err(SetError::Missing { path, expected: format!("the pictures of a class named in {IDS}") });
        }
        let files = pictures(&path)?;
        if files.is_empty() {
            return Err(ContentError::empty(&path));
        }
        set.add(path, files.into_iter().map(|file| (file, label)));
    }
    Ok(set)
}

/// `val/images/*`, in the order of the lines of `val/val_annotations.txt`: file, id and a box, separated by tabs.
fn validation(folder: &Path, ids: &[String], mut set: FileSet) -> Result<FileSet, SetError> {
    let annotations = folder.join(ANNOTATIONS);
    let images = folder.join("images");
    let text = fs::read_to_string(&annotations).map_err(SetError::io(&annotations))?;
    let there: HashSet<OsString> = pictures(&images)?.into_iter().collect();
    let mut named: HashSet<OsString> = HashSet::new();
    let mut files = Vec::new();
    for (index, line) in text.lines().enumerate() {
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
    use super::*;
    use crate::PictureSource;
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
        fs::remove_file(folder.path().join("words.txt")).unwrap();
        assert_eq!(open(folder.path(), Split::Train).unwrap().class_names(), ["n01", "n02", "n03"]);
    }

    #[test]
    fn validation_pictures_are_in_the_order_of_the_annotations() {
        let folder = folder();
        let val = open(folder.path(), Split::Test).unwrap();
        assert_eq!((val.labels(), val.class_names().len()), (&[2, 0, 2][..], 3));
        assert!(val.path(2).unwrap().ends_with("val/images/val_10.JPEG"));
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
        assert!(message(root, Split::Test).starts_with("val/val_annotations.txt: "));
    }

    #[test]
    fn training_folders_that_disagree_with_the_ids_are_named() {
        let folder = folder();
        let root = folder.path();
        fs::write(root.join("wnids.txt"), "n01\nn02\n").unwrap();
        assert!(message(root, Split::Train).starts_with("train/n03: does not belong here; "));
        fs::write(root.join("wnids.txt"), "n01\nn02\nn03\nn04\n").unwrap();
        assert!(message(root, Split::Train).starts_with("train/n04/images: missing; "));
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
