//! The binary versions of CIFAR-10 and CIFAR-100.
//!
//! A record is its label or labels, one byte each, then 1,024 red, 1,024 green and 1,024 blue values, row by row.
//! Source: A. Krizhevsky, "The CIFAR-10 and CIFAR-100 datasets".

use std::fs;
use std::path::Path;

use crate::ContentError;
use crate::sets::error::SetError;
use crate::sets::layout::{Open, Rules};
use crate::sets::memory::MemorySet;
use crate::sets::names;
use crate::sets::split::Split;

const SIDE: usize = 32;
const PLANE: usize = SIDE * SIDE;
const CHANNELS: usize = 3;

pub(in crate::sets) static TEN: Rules = Rules {
    name: "cifar10",
    title: "The binary version of CIFAR-10",
    sign: "data_batch_1.bin",
    parts: &Split::TRAIN_AND_TEST,
    origin: None,
    detect: |root| CIFAR10.detect(root),
    proof: 2,
    open: Open::Memory(|root, split| open(&CIFAR10, root, split)),
};

pub(in crate::sets) static HUNDRED: Rules = Rules {
    name: "cifar100",
    title: "The binary version of CIFAR-100, its hundred fine classes",
    sign: "train.bin",
    detect: |root| CIFAR100.detect(root),
    open: Open::Memory(|root, split| open(&CIFAR100, root, split)),
    ..TEN
};

/// The files of one of the two sets.
struct Version {
    train: &'static [&'static str],
    test: &'static [&'static str],
    names: &'static str,
    /// The class names without a file of names; empty: the classes' numbers.
    known: &'static [&'static str],
    /// Number of classes of each label of a record; the last label is the class.
    labels: &'static [usize],
}

static CIFAR10: Version = Version {
    train: &["data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"],
    test: &["test_batch.bin"],
    names: "batches.meta.txt",
    known: &["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"],
    labels: &[10],
};

static CIFAR100: Version = Version {
    train: &["train.bin"],
    test: &["test.bin"],
    names: "fine_label_names.txt",
    known: &[],
    labels: &[20, 100],
};

impl Version {
    fn detect(&self, root: &Path) -> bool {
        self.train.iter().chain(self.test).any(|file| root.join(file).is_file())
    }

    fn classes(&self) -> usize {
        self.labels.last().copied().unwrap_or(0)
    }
}

fn open(version: &Version, root: &Path, split: Split) -> Result<MemorySet, SetError> {
    let known: Box<dyn Iterator<Item = String>> = match version.known {
        [] => Box::new(names::numbers(version.classes())),
        known => Box::new(known.iter().map(|&name| name.to_owned())),
    };
    let class_names = names::read_or(&root.join(version.names), known, version.classes())?;
    let files = match split {
        Split::Train => version.train,
        Split::Validation | Split::Test => version.test,
    };
    let (mut labels, mut pixels) = (Vec::new(), Vec::new());
    let mut first = None;
    for file in files {
        let path = root.join(file);
        let records = read(version, &path, &mut labels, &mut pixels)?;
        // The publisher's files hold equally many records: a shorter one was cut off between two records.
        let (expected, other) = first.get_or_insert_with(|| (records, path.clone()));
        if records != *expected {
            let expected = format!("{expected}, as in {}", other.display());
            return Err(ContentError::whole(&path, format!("{records} records"), expected));
        }
    }
    let name = format!("{}, {split}", root.display());
    MemorySet::new(name, class_names, labels, [SIDE, SIDE, CHANNELS], pixels)
}

/// Appends the records of a file, pixels as `[height, width, channels]`; returns their number.
fn read(version: &Version, path: &Path, labels: &mut Vec<usize>, pixels: &mut Vec<u8>) -> Result<usize, SetError> {
    if !path.is_file() {
        let expected = format!(
            "the publisher's {}",
            version.train.iter().chain(version.test).copied().collect::<Vec<_>>().join(", ")
        );
        return Err(SetError::Missing { path: path.to_owned(), expected });
    }
    let bytes = fs::read(path).map_err(SetError::io(path))?;
    let heads = version.labels.len();
    let length = heads + CHANNELS * PLANE;
    let records = bytes.chunks_exact(length);
    let (count, left) = (records.len(), records.remainder().len());
    if left > 0 {
        let found = format!("{left} bytes before the end of the file");
        return Err(ContentError::byte(path, (count * length) as u64, found, format!("records of {length} bytes")));
    }
    if count == 0 {
        return Err(ContentError::empty(path));
    }
    labels.reserve(count);
    pixels.reserve(count * CHANNELS * PLANE);
    for (record, bytes) in records.enumerate() {
        let (head, planes) = bytes.split_at(heads);
        for (byte, (&label, &classes)) in head.iter().zip(version.labels).enumerate() {
            if usize::from(label) >= classes {
                let (offset, expected) = ((record * length + byte) as u64, format!("labels 0 to {}", classes - 1));
                return Err(ContentError::byte(path, offset, format!("label {label}"), expected));
            }
        }
        labels.extend(head.last().map(|&label| usize::from(label)));
        let (red, others) = planes.split_at(PLANE);
        let (green, blue) = others.split_at(PLANE);
        pixels.extend(red.iter().zip(green).zip(blue).flat_map(|((&red, &green), &blue)| [red, green, blue]));
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PictureSource;

    /// A record: red counts pixels, green is 7 everywhere, blue is the row.
    fn record(labels: &[u8]) -> Vec<u8> {
        let red = (0..PLANE).map(|pixel| (pixel % 256) as u8);
        let blue = (0..PLANE).map(|pixel| (pixel / SIDE) as u8);
        labels.iter().copied().chain(red).chain([7; PLANE]).chain(blue).collect()
    }

    fn write(folder: &Path, name: &str, labels: &[&[u8]]) {
        fs::write(folder.join(name), labels.iter().flat_map(|labels| record(labels)).collect::<Vec<_>>()).unwrap();
    }

    #[test]
    fn reads_the_batches_in_order() {
        let folder = tempfile::tempdir().unwrap();
        for batch in 1..=5u8 {
            write(folder.path(), &format!("data_batch_{batch}.bin"), &[&[batch], &[0]]);
        }
        let set = open(&CIFAR10, folder.path(), Split::Train).unwrap();
        assert_eq!(set.labels(), [1, 0, 2, 0, 3, 0, 4, 0, 5, 0]);
        assert_eq!(set.class_names()[9], "truck");
        let picture = set.picture(9).unwrap();
        assert_eq!((picture.height, picture.width, picture.channels), (32, 32, 3));
        // Row 2, column 5: pixel 69.
        assert_eq!(picture.pixels[69 * 3..70 * 3], [69, 7, 2]);
        assert_eq!(set.describe(3), format!("{}, train, picture 3", folder.path().display()));

        fs::remove_file(folder.path().join("data_batch_4.bin")).unwrap();
        let message = open(&CIFAR10, folder.path(), Split::Train).unwrap_err().to_string();
        assert!(
            message.contains("data_batch_4.bin: missing; expected the publisher's data_batch_1.bin, "),
            "{message}"
        );
        write(folder.path(), "data_batch_4.bin", &[&[1]]);
        let message = open(&CIFAR10, folder.path(), Split::Train).unwrap_err().to_string();
        assert!(message.contains("data_batch_4.bin: 1 records; expected 2, as in "), "{message}");
    }

    #[test]
    fn the_fine_label_is_the_class() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "test.bin", &[&[3, 42], &[19, 99]]);
        let set = open(&CIFAR100, folder.path(), Split::Test).unwrap();
        assert_eq!(set.labels(), [42, 99]);
        assert_eq!((set.class_names().len(), set.class_names()[42].as_str()), (100, "42"));
        assert_eq!(set.picture(1).unwrap().pixels[69 * 3..70 * 3], [69, 7, 2]);

        let names: String = (0..100).map(|class| format!("name {class}\n")).collect();
        fs::write(folder.path().join("fine_label_names.txt"), &names).unwrap();
        assert_eq!(open(&CIFAR100, folder.path(), Split::Test).unwrap().class_names()[42], "name 42");
        fs::write(folder.path().join("fine_label_names.txt"), &names[..20]).unwrap();
        assert!(matches!(open(&CIFAR100, folder.path(), Split::Test), Err(SetError::Content(_))));
    }

    #[test]
    fn errors_name_the_byte() {
        let folder = tempfile::tempdir().unwrap();
        let message = |version, bytes: Vec<u8>| {
            for name in ["test_batch.bin", "test.bin"] {
                fs::write(folder.path().join(name), &bytes).unwrap();
            }
            let message = open(version, folder.path(), Split::Test).unwrap_err().to_string();
            message.split_once(".bin").unwrap().1.to_owned()
        };
        let two = [record(&[1]), record(&[10])].concat();
        assert_eq!(message(&CIFAR10, two.clone()), ", byte 3073: label 10; expected labels 0 to 9");
        assert_eq!(
            message(&CIFAR10, two[..5000].to_vec()),
            ", byte 3073: 1927 bytes before the end of the file; expected records of 3073 bytes"
        );
        assert_eq!(message(&CIFAR10, Vec::new()), ": no pictures; expected at least one");
        let two = [record(&[1, 99]), record(&[20, 5])].concat();
        assert_eq!(message(&CIFAR100, two), ", byte 3074: label 20; expected labels 0 to 19");
        let one = record(&[19, 100]);
        assert_eq!(message(&CIFAR100, one), ", byte 1: label 100; expected labels 0 to 99");
    }
}
