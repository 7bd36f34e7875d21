//! Detects whether a set has changed.

use std::hash::Hasher;

use ndarray::Array2;
use serde::{Deserialize, Serialize};
use twox_hash::XxHash3_64;

use crate::PictureSource;

/// Largest number of files whose content is read, spread evenly over the set: reading a million files takes too long.
/// Of pictures in memory, all are taken.
const READ: usize = 1024;

/// Hashes of the pictures and labels of a part of a data set: names of files and classes, labels, contents.
///
/// It does not depend on where the set lies, nor on the times of its files, so that a set may be moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// Number of pictures.
    pub pictures: usize,
    /// Of the names of the classes and those of the files.
    pub names: String,
    /// Of the class of each picture, and of the label distributions where there are any.
    pub labels: String,
    /// Of the contents of the files, of [at most 1024](Fingerprint::new) of them; or of the pixels or features.
    pub contents: String,
}

impl Fingerprint {
    /// The fingerprint of pictures with their label distributions. Of more than 1024 files, every n-th is read.
    ///
    /// # Shapes
    /// `distributions`: `[pictures, classes]`.
    pub fn new(pictures: &dyn PictureSource, distributions: Option<&Array2<f32>>) -> Self {
        let labels = pictures.labels();
        let (mut names, mut classes, mut contents) = (Hash::default(), Hash::default(), Hash::default());
        pictures.class_names().iter().for_each(|name| names.add(name.as_bytes()));
        labels.iter().for_each(|&label| classes.add(&(label as u64).to_le_bytes()));
        for value in distributions.into_iter().flatten() {
            classes.add(&value.to_bits().to_le_bytes());
        }
        let in_files = !labels.is_empty() && pictures.path(0).is_some();
        let step = if in_files { labels.len().div_ceil(READ) } else { 1 };
        let mut row = vec![0.0; pictures.features().unwrap_or(0)];
        for index in 0..labels.len() {
            let path = pictures.path(index);
            if let Some(path) = &path {
                // The class's folder and the file: what is above them may move.
                let last = path.iter().rev().take(2);
                last.for_each(|name| names.add(name.as_encoded_bytes()));
            }
            if !index.is_multiple_of(step) {
                continue;
            }
            // A file that cannot be read is reported when it is decoded.
            match path {
                None if !row.is_empty() => {
                    // A row that cannot be read is reported when it is used.
                    let read = pictures.row(index, &mut row).is_ok();
                    row.iter().filter(|_| read).for_each(|value| contents.0.write(&value.to_le_bytes()));
                }
                Some(path) => contents.add(&std::fs::read(path).unwrap_or_default()),
                None => contents.add(pictures.picture(index).as_ref().map_or(&[][..], |picture| &picture.pixels)),
            }
        }
        Fingerprint {
            pictures: labels.len(),
            names: names.finish(),
            labels: classes.finish(),
            contents: contents.finish(),
        }
    }

    /// The differences from an earlier fingerprint `there` of the same part, as text. `part`: "training", "test".
    pub fn differences(&self, there: &Fingerprint, part: &str) -> Vec<String> {
        if there.pictures != self.pictures {
            return vec![format!("{part} pictures: {} there, {} here", there.pictures, self.pictures)];
        }
        let fields = [
            ("names of classes or files", &there.names, &self.names),
            ("labels", &there.labels, &self.labels),
            ("contents", &there.contents, &self.contents),
        ];
        let other = fields.into_iter().filter(|(_, there, here)| there != here);
        other.map(|(field, ..)| format!("other {field} of the {part} pictures")).collect()
    }
}

/// A hash of values with their lengths.
#[derive(Default)]
struct Hash(XxHash3_64);

impl Hash {
    fn add(&mut self, bytes: &[u8]) {
        self.0.write(&(bytes.len() as u64).to_le_bytes());
        self.0.write(bytes);
    }

    fn finish(&self) -> String {
        format!("{:016x}", self.0.finish())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::sets::{Layout, MemorySet, Split};

    /// A folder of two classes with four files each, which need not be pictures to be listed.
    fn make(root: &Path) {
        for class in ["ant", "bee"] {
            fs::create_dir_all(root.join(class)).unwrap();
            for number in 0..4 {
                fs::write(root.join(class).join(format!("{number}.png")), [number; 9]).unwrap();
            }
        }
    }

    fn of(root: &Path) -> Fingerprint {
        Fingerprint::new(Layout::IMAGE_FOLDER.open(root, Split::Train).unwrap().as_ref(), None)
    }

    #[test]
    fn a_set_may_be_moved_and_every_change_is_named() {
        let place = tempfile::tempdir().unwrap();
        let (one, other) = (place.path().join("one"), place.path().join("deep/other"));
        make(&one);
        make(&other);
        let there = of(&one);
        assert_eq!(there, of(&other));
        let words = |change: &dyn Fn()| {
            change();
            of(&other).differences(&there, "training").join("; ")
        };
        assert_eq!(words(&|| ()), "");
        // A content of the same length.
        assert_eq!(
            words(&|| fs::write(other.join("bee/2.png"), [7; 9]).unwrap()),
            "other contents of the training pictures"
        );
        fs::write(other.join("bee/2.png"), [2; 9]).unwrap();
        assert_eq!(words(&|| ()), "");
        let renamed = words(&|| fs::rename(other.join("bee/3.png"), other.join("bee/4.png")).unwrap());
        assert_eq!(renamed, "other names of classes or files of the training pictures");
        let moved = words(&|| fs::rename(other.join("bee/4.png"), other.join("ant/4.png")).unwrap());
        let fields = ["names of classes or files", "labels", "contents"];
        assert_eq!(moved, fields.map(|field| format!("other {field} of the training pictures")).join("; "));
        assert_eq!(words(&|| fs::remove_file(other.join("ant/4.png")).unwrap()), "training pictures: 8 there, 7 here");
    }

    #[test]
    fn pixels_in_memory_and_distributions_count() {
        let set = |last: u8| MemorySet::new("made", vec!["a".into(), "b".into()], vec![0, 1], [1, 1, 1], vec![0, last]);
        let plain = |last| Fingerprint::new(&set(last).unwrap(), None);
        assert_eq!(plain(1), plain(1));
        assert_eq!(plain(1).differences(&plain(2), "test"), ["other contents of the test pictures"]);
        let soft = |value| Fingerprint::new(&set(1).unwrap(), Some(&Array2::from_elem((2, 2), value)));
        assert_eq!(soft(0.5).differences(&soft(0.25), "test"), ["other labels of the test pictures"]);
        assert_eq!(soft(0.5).differences(&plain(1), "test"), ["other labels of the test pictures"]);
    }
}
