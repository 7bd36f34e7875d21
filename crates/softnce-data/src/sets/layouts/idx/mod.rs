//! The idx files of MNIST and its like.
//!
//! A file begins with four bytes: two zeros, the type of its values (8: unsigned bytes) and the number of dimensions.
//! Then each dimension as a big-endian 32-bit number, then the values. Source: Y. LeCun, C. Cortes, C. Burges, "The
//! MNIST database of handwritten digits".

mod classes;
mod files;

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use self::classes::IdxClasses;
use self::files::IdxFiles;
use crate::ContentError;
use crate::sets::error::SetError;
use crate::sets::layout::{Open, Rules};
use crate::sets::memory::MemorySet;
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

fn open(root: &Path, split: Split) -> Result<MemorySet, SetError> {
    let files = IdxFiles::find(root)?;
    let images = files.path(split, "images", 3)?;
    let labels = files.path(split, "labels", 1)?;
    let ([pictures, height, width], pixels) = read::<3>(&images)?;
    if pictures == 0 {
        return Err(ContentError::empty(&images));
    }
    if height == 0 || width == 0 {
        let found = format!("pictures of {height} x {width}");
        return Err(ContentError::byte(&images, 8, found, "a height and a width above 0"));
    }
    let ([rows], values) = read::<1>(&labels)?;
    if rows != pictures {
        let expected = format!("{pictures}, as in {}", images.display());
        return Err(ContentError::whole(&labels, format!("{rows} labels"), expected));
    }
    let known = match (split, files.path(Split::Train, "labels", 1)) {
        (Split::Validation | Split::Test, Ok(training)) => {
            IdxClasses::new(&files, &training, &read::<1>(&training)?.1)?
        }
        _ => IdxClasses::new(&files, &labels, &values)?,
    };
    let classes = known.classes(&labels, &values)?;
    MemorySet::new(images.display().to_string(), known.names, classes, [height, width, 1], pixels)
}

fn detect(root: &Path) -> bool {
    IdxFiles::all(root).is_ok_and(|found| !found.is_empty())
}

/// Reads a whole file of `N` dimensions.
fn read<const N: usize>(path: &Path) -> Result<([usize; N], Vec<u8>), SetError> {
    let mut file = BufReader::new(File::open(path).map_err(SetError::io(path))?);
    // Told by the content: browsers unpack a file and keep its ending.
    let packed = file.fill_buf().map_err(SetError::io(path))?.starts_with(b"\x1f\x8b");
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
    match file.at_end()? {
        true => Ok((dimensions, values)),
        false => Err(file.damaged(end, "further bytes".to_owned(), "the end of the file".to_owned())),
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

    fn at_end(&mut self) -> Result<bool, SetError> {
        let read = self.reader.by_ref().take(1).read_to_end(&mut Vec::new());
        Ok(self.check(read)? == 0)
    }

    /// Tells the errors of a damaged gzip file from those of the system.
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
mod tests;
