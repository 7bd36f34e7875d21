//! The idx files of MNIST and its like.
//!
//! A file begins with four bytes: two zeros, the type of its values (8: unsigned bytes) and the number of dimensions.
//! Then each dimension as a big-endian 32-bit number, then the values. Source: Y. LeCun, C. Cortes, C. Burges, "The
//! MNIST database of handwritten digits".

use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;

use crate::ContentError;
use crate::sets::error::SetError;
use crate::sets::layout::{Open, Rules};
use crate::sets::memory::MemorySet;
use crate::sets::names;
use crate::sets::split::Split;

pub(in crate::sets) static RULES: Rules = Rules {
    name: "idx",
    title: "The idx files of MNIST and its like",
    sign: "train-images-idx3-ubyte",
    parts: &Split::TRAIN_AND_TEST,
    origin: None,
    detect,
    proof: 2,
    open: Open::Memory(open),
};

/// Number of classes without a file `classes.txt`.
const DIGITS: usize = 10;

fn open(root: &Path, split: Split) -> Result<MemorySet, SetError> {
    let part = match split {
        Split::Train => "train",
        Split::Validation | Split::Test => "t10k",
    };
    let images = find(root, part, "images", 3)?;
    let labels = find(root, part, "labels", 1)?;
    let class_names = class_names(root)?;
    let ([pictures, height, width], pixels) = read::<3>(&images)?;
    if pictures == 0 {
        return Err(ContentError::empty(&images));
    }
    if height == 0 || width == 0 {
        let found = format!("pictures of {height} x {width}");
        return Err(ContentError::byte(&images, 8, found, "a height and a width above 0"));
    }
    let ([rows], classes) = read::<1>(&labels)?;
    if rows != pictures {
        let expected = format!("{pictures}, as in {}", images.display());
        return Err(ContentError::whole(&labels, format!("{rows} labels"), expected));
    }
    if let Some((row, label)) = classes.iter().enumerate().find(|&(_, &label)| usize::from(label) >= class_names.len())
    {
        let expected = format!("a class below {}", class_names.len());
        return Err(ContentError::byte(&labels, 8 + row as u64, format!("class {label}"), expected));
    }
    let classes = classes.into_iter().map(usize::from).collect();
    MemorySet::new(images.display().to_string(), class_names, classes, [height, width, 1], pixels)
}

fn detect(root: &Path) -> bool {
    ["train", "t10k"].iter().any(|part| find(root, part, "images", 3).is_ok())
}

fn class_names(root: &Path) -> Result<Vec<String>, SetError> {
    let path = root.join("classes.txt");
    match names::read(&path)? {
        None => Ok(names::numbers(DIGITS).collect()),
        Some(names) if names.is_empty() => {
            Err(ContentError::line(&path, 1, "''", "the names of the classes, one a line"))
        }
        Some(names) => Ok(names),
    }
}

/// The file of one part (`train`, `t10k`) and kind (`images`, `labels`) under any of its usual names.
fn find(root: &Path, part: &str, kind: &str, dimensions: usize) -> Result<PathBuf, SetError> {
    let usual = root.join(format!("{part}-{kind}-idx{dimensions}-ubyte"));
    let dotted = root.join(format!("{part}-{kind}.idx{dimensions}-ubyte"));
    let names = [usual.clone(), dotted.clone(), usual.with_added_extension("gz"), dotted.with_added_extension("gz")];
    names.into_iter().find(|path| path.is_file()).ok_or_else(|| SetError::Missing {
        path: usual,
        expected: "the file under this name or with .gz, or with a dot before 'idx'".to_owned(),
    })
}

/// Reads a whole file of `N` dimensions.
fn read<const N: usize>(path: &Path) -> Result<([usize; N], Vec<u8>), SetError> {
    let file = BufReader::new(File::open(path).map_err(SetError::io(path))?);
    let packed = path.extension().is_some_and(|ending| ending == "gz");
    let reader: Box<dyn Read> = if packed { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) };
    let mut file = Bytes { path, reader, offset: 0 };

    let magic = file.take(4)?;
    let expected = [0, 0, 8, N as u8];
    if magic != expected {
        return Err(file.damaged(
            0,
            format!("bytes {magic:02x?}"),
            format!("{expected:02x?}, unsigned bytes in {N} dimensions"),
        ));
    }
    let mut dimensions = [0; N];
    for dimension in &mut dimensions {
        let bytes = file.take(4)?;
        *dimension = bytes.iter().fold(0, |number, &byte| number << 8 | usize::from(byte));
    }
    let Some(length) =
        dimensions.into_iter().try_fold(1usize, usize::checked_mul).filter(|&n| n <= isize::MAX as usize)
    else {
        return Err(file.damaged(4, format!("dimensions {dimensions:?}"), "less than the memory".to_owned()));
    };
    let values = file.take(length)?;
    let end = file.offset;
    match file.rest()? {
        0 => Ok((dimensions, values)),
        _ => Err(file.damaged(end, "further bytes".to_owned(), "the end of the file".to_owned())),
    }
}

/// A file, read from front to back.
struct Bytes<'p> {
    path: &'p Path,
    reader: Box<dyn Read>,
    offset: u64,
}

impl Bytes<'_> {
    /// The next `length` bytes.
    fn take(&mut self, length: usize) -> Result<Vec<u8>, SetError> {
        let start = self.offset;
        // The vector grows while reading: the length comes from a header that may be damaged.
        let mut bytes = Vec::with_capacity(length.min(1 << 26));
        let read = self.reader.by_ref().take(length as u64).read_to_end(&mut bytes);
        self.offset += bytes.len() as u64;
        self.check(read)?;
        if bytes.len() == length {
            return Ok(bytes);
        }
        let expected = format!("{length} bytes from byte {start} on");
        Err(self.damaged(self.offset, "the end of the file".to_owned(), expected))
    }

    /// 1 if there are bytes left, else 0.
    fn rest(&mut self) -> Result<usize, SetError> {
        let mut byte = Vec::new();
        let read = self.reader.by_ref().take(1).read_to_end(&mut byte);
        self.check(read)
    }

    /// Separates errors of a damaged gzip file from errors of the system.
    fn check(&self, read: io::Result<usize>) -> Result<usize, SetError> {
        read.map_err(|source| match source.kind() {
            ErrorKind::UnexpectedEof | ErrorKind::InvalidInput | ErrorKind::InvalidData => {
                self.damaged(self.offset, source.to_string(), "a whole gzip file".to_owned())
            }
            _ => SetError::Io { path: self.path.to_owned(), source },
        })
    }

    fn damaged(&self, offset: u64, found: String, expected: String) -> SetError {
        ContentError::byte(self.path, offset, found, expected)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;
    use crate::PictureSource;

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
                    fs::write(&path, if gz { packed(&bytes) } else { bytes }).unwrap();
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
        assert_eq!(message, format!("{}, byte 8: class 9; expected a class below 2", labels.display()));
        fs::write(labels, file(&[2], &[1, 0])).unwrap();
        assert_eq!(open(folder.path(), Split::Train).unwrap().class_names(), ["a", "b"]);
        fs::write(folder.path().join("classes.txt"), "\n").unwrap();
        assert!(matches!(open(folder.path(), Split::Train), Err(SetError::Content(_))));
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
        assert!(
            message(&file(&[1 << 16, 1 << 10, 1 << 10], &[1]), false).starts_with(", byte 17: the end of the file")
        );
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
}
