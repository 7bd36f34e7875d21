use std::fs;
use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;
use crate::PictureSource;
use crate::sets::layout::Layout;

/// An idx file of bytes.
fn file(dimensions: &[u32], values: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, dimensions.len() as u8];
    bytes.extend(dimensions.iter().flat_map(|dimension| dimension.to_be_bytes()));
    bytes.extend(values);
    bytes
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Two pictures of 1 x 3 under the plain names.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes| fs::write(folder.path().join(name), bytes).unwrap();
    write("train-images-idx3-ubyte", file(&[2, 1, 3], &[1, 2, 3, 4, 5, 255]));
    write("train-labels-idx1-ubyte", file(&[2], &[9, 0]));
    folder
}

#[test]
fn reads_every_usual_name() {
    let folder = tempfile::tempdir().unwrap();
    for dot in ["-", "."] {
        for gz in [false, true] {
            let write = |kind: &str, bytes: Vec<u8>| {
                let path = folder.path().join(format!("t10k-{kind}{}", if gz { ".gz" } else { "" }));
                // A browser may have unpacked a file and kept its ending.
                fs::write(&path, if gz && kind.starts_with("images") { packed(&bytes) } else { bytes }).unwrap();
                path
            };
            let images = write(&format!("images{dot}idx3-ubyte"), file(&[2, 1, 3], &[1, 2, 3, 4, 5, 255]));
            let labels = write(&format!("labels{dot}idx1-ubyte"), file(&[2], &[9, 0]));
            let set = open(folder.path(), Split::Test).unwrap();
            assert_eq!(set.labels(), [9, 0]);
            assert_eq!(set.class_names(), ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
            let picture = set.picture(1).unwrap();
            assert_eq!((picture.height, picture.width, picture.channels), (1, 3, 1));
            assert_eq!(*picture.pixels, [4, 5, 255]);
            assert_eq!(set.describe(1), format!("{}, picture 1", images.display()));
            fs::remove_file(images).unwrap();
            fs::remove_file(labels).unwrap();
        }
    }
    let message = open(folder.path(), Split::Test).unwrap_err().to_string();
    assert!(message.contains("t10k-images-idx3-ubyte: missing"), "{message}");
}

#[test]
fn names_come_from_their_file() {
    let folder = folder();
    fs::write(folder.path().join("classes.txt"), "a\nb\n").unwrap();
    let labels = folder.path().join("train-labels-idx1-ubyte");
    let message = open(folder.path(), Split::Train).unwrap_err().to_string();
    let source = folder.path().join("classes.txt");
    let expected = format!("label 9; expected labels 0 to 1, as in {}", source.display());
    assert_eq!(message, format!("{}, byte 8: {expected}", labels.display()));
    fs::write(labels, file(&[2], &[1, 0])).unwrap();
    assert_eq!(open(folder.path(), Split::Train).unwrap().class_names(), ["a", "b"]);
    fs::write(source, "\n").unwrap();
    assert!(matches!(open(folder.path(), Split::Train), Err(SetError::Content(_))));
}

/// Writes one part of a set: one picture of 1 x 1 for each label.
fn write_part(folder: &Path, part: &str, labels: &[u8]) {
    let count = labels.len() as u32;
    fs::write(folder.join(format!("{part}-images-idx3-ubyte.gz")), packed(&file(&[count, 1, 1], labels))).unwrap();
    fs::write(folder.join(format!("{part}-labels-idx1-ubyte.gz")), packed(&file(&[count], labels))).unwrap();
}

#[test]
fn every_set_of_emnist_is_read() {
    let every = |first: u8, count: u8| (first..first + count).rev().collect::<Vec<u8>>();
    let root = tempfile::tempdir().unwrap();
    let raw = root.path().join("EMNIST/raw");
    fs::create_dir_all(&raw).unwrap();
    for (set, first, count, names) in [
        ("byclass", 0, 62, [("0", 0), ("A", 10), ("a", 36), ("z", 61)]),
        ("bymerge", 0, 47, [("9", 9), ("Z", 35), ("a", 36), ("t", 46)]),
        ("balanced", 0, 47, [("0", 0), ("d", 38), ("h", 42), ("t", 46)]),
        ("letters", 1, 26, [("A", 0), ("B", 1), ("Y", 24), ("Z", 25)]),
        ("digits", 0, 10, [("0", 0), ("1", 1), ("8", 8), ("9", 9)]),
        ("mnist", 0, 10, [("0", 0), ("1", 1), ("8", 8), ("9", 9)]),
    ] {
        write_part(&raw, &format!("emnist-{set}-train"), &every(first, count));
        write_part(&raw, &format!("emnist-{set}-test"), &[first + 5, first]);
        let path = root.path().join("EMNIST").join(format!("emnist-{set}"));
        for path in [path, raw.join(format!("emnist-{set}"))] {
            assert_eq!(Layout::detect(&path).unwrap(), Layout::IDX);
            let train = Layout::IDX.open(&path, Split::Train).unwrap();
            assert_eq!(train.labels(), every(0, count).iter().map(|&label| usize::from(label)).collect::<Vec<_>>());
            for (name, class) in names {
                assert_eq!(train.class_names()[class], name, "{set}");
            }
            let test = Layout::IDX.open(&path, Split::Test).unwrap();
            assert_eq!(test.labels(), [5, 0], "{set}");
            assert_eq!(test.class_names(), train.class_names());
        }
    }
    let message = open(&raw, Split::Train).unwrap_err().to_string();
    let sets = "emnist-balanced, emnist-byclass, emnist-bymerge, emnist-digits, emnist-letters, emnist-mnist";
    let example = raw.join("emnist-balanced");
    let expected = format!(
        "the files of several sets ({sets}); expected one: add its name to the path of the set, as in {}",
        example.display()
    );
    assert_eq!(message, format!("{}: {expected}", raw.display()));
    assert!(Layout::detect(&raw.join("emnist-capitals")).is_err());
    // As EMNIST's archive unpacks.
    let unpacked = root.path().join("unpacked");
    fs::create_dir(&unpacked).unwrap();
    fs::rename(&raw, unpacked.join("gzip")).unwrap();
    assert_eq!(open(&unpacked.join("emnist-digits"), Split::Test).unwrap().labels(), [5, 0]);
    fs::rename(unpacked.join("gzip"), &raw).unwrap();
    // Letters that someone counted from 0.
    write_part(&raw, "emnist-letters-train", &every(0, 26));
    let letters = open(&raw.join("emnist-letters"), Split::Train).unwrap();
    assert_eq!((letters.labels()[0], letters.class_names()[25].as_str()), (25, "Z"));
    write_part(&raw, "emnist-letters-train", &every(1, 26));
    // A file of names goes before the names that are known.
    fs::write(raw.join("emnist-letters-mapping.txt"), (1..=26).map(mapping_line).collect::<String>()).unwrap();
    let letters = open(&raw.join("emnist-letters"), Split::Test).unwrap();
    assert_eq!((letters.class_names().len(), letters.class_names()[25].as_str()), (26, "Zz"));
    for (lines, found) in
        [("1 65\n3 66\n", "2: '3 66'"), ("1 65\n2\n", "2: '2'"), ("2 65\n", "1: label 2"), ("", "1: ''")]
    {
        fs::write(raw.join("emnist-letters-mapping.txt"), lines).unwrap();
        let message = open(&raw.join("emnist-letters"), Split::Train).unwrap_err().to_string();
        assert!(message.contains(&format!("emnist-letters-mapping.txt, line {found}; expected ")), "{message}");
    }
}

/// Of the file that names EMNIST's letters: the label, and the code points of the capital and of the small letter.
fn mapping_line(label: u32) -> String {
    format!("{label} {} {}\n", 64 + label, 96 + label)
}

#[test]
fn the_training_labels_give_the_classes() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path();
    write_part(folder, "t10k", &[2, 1]);
    // Without training labels those of the part.
    assert_eq!(open(folder, Split::Test).unwrap().class_names(), ["1", "2"]);
    write_part(folder, "train", &[1, 3]);
    let test = open(folder, Split::Test).unwrap();
    assert_eq!((test.class_names(), test.labels()), (&["1", "2", "3"].map(String::from)[..], &[1, 0][..]));
    write_part(folder, "t10k", &[1, 0]);
    let message = open(folder, Split::Test).unwrap_err().to_string();
    assert!(
        message.contains("t10k-labels-idx1-ubyte.gz, byte 9: label 0; expected labels 1 to 3, as in "),
        "{message}"
    );
    assert!(message.ends_with("train-labels-idx1-ubyte.gz"), "{message}");
    // Names for four classes show that 0 is one of them; names for three, that it is not.
    fs::write(folder.join("classes.txt"), "none\na\nb\nc\n").unwrap();
    assert_eq!(open(folder, Split::Test).unwrap().labels(), [1, 0]);
    fs::write(folder.join("classes.txt"), "a\nb\nc\n").unwrap();
    assert_eq!(open(folder, Split::Train).unwrap().labels(), [0, 2]);
    // Labels beyond ten classes, up to all that a byte can hold.
    fs::remove_file(folder.join("classes.txt")).unwrap();
    write_part(folder, "train", &(0..=255).collect::<Vec<u8>>());
    assert_eq!(open(folder, Split::Train).unwrap().class_names()[255], "255");
}

/// What reading says when the pictures' file has this content.
fn message(bytes: &[u8], gz: bool) -> String {
    let folder = folder();
    let mut path = folder.path().join("train-images-idx3-ubyte");
    fs::remove_file(&path).unwrap();
    if gz {
        path = path.with_added_extension("gz");
    }
    fs::write(&path, bytes).unwrap();
    let message = open(folder.path(), Split::Train).unwrap_err().to_string();
    message.strip_prefix(&path.display().to_string()).unwrap_or(&message).to_owned()
}

#[test]
fn errors_name_the_byte() {
    let whole = file(&[2, 1, 3], &[1, 2, 3, 4, 5, 6]);
    let cases: [(&[u8], &str); 8] = [
        (&[], ", byte 0: the end of the file; expected 4 bytes from byte 0 on"),
        (&whole[..9], ", byte 9: the end of the file; expected 4 bytes from byte 8 on"),
        (&whole[..21], ", byte 21: the end of the file; expected 6 bytes from byte 16 on"),
        (&[&whole[..], b"x"].concat(), ", byte 22: further bytes; expected the end of the file"),
        (
            &file(&[2], &[1, 2]),
            ", byte 0: bytes [00, 00, 08, 01]; expected [00, 00, 08, 03], unsigned bytes in 3 dimensions",
        ),
        (
            &[&[0, 0, 13][..], &whole[3..]].concat(),
            ", byte 0: bytes [00, 00, 0d, 03]; expected [00, 00, 08, 03], unsigned bytes in 3 dimensions",
        ),
        (&file(&[0, 1, 3], &[]), ": no pictures; expected at least one"),
        (&file(&[2, 0, 3], &[]), ", byte 8: pictures of 0 x 3; expected a height and a width above 0"),
    ];
    for (bytes, expected) in cases {
        assert_eq!(message(bytes, false), expected);
        if !bytes.is_empty() {
            assert_eq!(message(&packed(bytes), true), expected);
        }
    }
    let huge = file(&[u32::MAX; 3], &[1]);
    assert!(message(&huge, false).starts_with(", byte 4: dimensions [4294967295, "));
    // A size that fits the address space is not reserved in advance.
    assert!(message(&file(&[1 << 16, 1 << 10, 1 << 10], &[1]), false).starts_with(", byte 17: the end of the file"));
}

#[test]
fn errors_in_gzip_files_name_the_byte() {
    let whole = packed(&file(&[2, 1, 3], &[1, 2, 3, 4, 5, 6]));
    for length in [5, whole.len() - 12, whole.len() - 1] {
        let message = message(&whole[..length], true);
        assert!(message.starts_with(", byte ") && message.ends_with("; expected a whole gzip file"), "{message}");
    }
    let mut damaged = whole.clone();
    let checksum = damaged.len() - 6;
    damaged[checksum] ^= 1;
    assert_eq!(message(&damaged, true).split(": ").next(), Some(", byte 22"));
    assert!(message(b"plain text", true).starts_with(", byte 0: "));
}

#[test]
fn labels_and_pictures_must_be_equally_many() {
    let folder = folder();
    let labels = folder.path().join("train-labels-idx1-ubyte");
    fs::write(&labels, file(&[3], &[1, 2, 3])).unwrap();
    let images = folder.path().join("train-images-idx3-ubyte");
    assert_eq!(
        open(folder.path(), Split::Train).unwrap_err().to_string(),
        format!("{}: 3 labels; expected 2, as in {}", labels.display(), images.display())
    );
}
