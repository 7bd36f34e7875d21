//! Recognises a checkpoint by its content.

use super::torch::MAGIC;

/// Formats of checkpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Safetensors,
    /// `torch.save` since PyTorch 1.6.
    TorchArchive,
    /// `torch.save` from PyTorch 0.1.10.
    TorchStream,
    /// `torch.save` before PyTorch 0.1.10.
    TorchTar,
}

/// First bytes that are looked at.
pub(super) const LOOKED_AT: u64 = 512;
/// The largest header of a safetensors file.
pub(super) const LARGEST_HEADER: u64 = 100_000_000;

/// Beginnings of files that people take for checkpoints.
const OTHERS: [(&[u8], &str); 9] = [
    (b"version https://git-lfs", "a pointer of Git LFS: fetch the file itself with `git lfs pull`"),
    (b"<!DOCTYPE", "a web page, not the file that it links to"),
    (b"<!doctype", "a web page, not the file that it links to"),
    (b"<html", "a web page, not the file that it links to"),
    (b"\x1f\x8b", "compressed with gzip: unpack it"),
    (b"\x89HDF", "an HDF5 file, as Keras writes"),
    (b"\x93NUMPY", "an array of NumPy"),
    (b"\x80", "a pickle that torch.save did not write"),
    (b"{", "a JSON file"),
];

impl Format {
    /// The format of a file that starts with these bytes.
    ///
    /// # Errors
    /// In words: what the file is instead.
    pub(super) fn of(start: &[u8]) -> Result<Format, &'static str> {
        if start.is_empty() {
            return Err("an empty file");
        }
        if start.starts_with(b"PK\x03\x04") {
            return Ok(Format::TorchArchive);
        }
        if start.windows(MAGIC.len()).take(32).any(|window| window == MAGIC) {
            return Ok(Format::TorchStream);
        }
        if start.get(257..262) == Some(b"ustar") {
            return Ok(Format::TorchTar);
        }
        let header = start.first_chunk().map(|bytes| u64::from_le_bytes(*bytes));
        if header.is_some_and(|length| length <= LARGEST_HEADER) && start.get(8) == Some(&b'{') {
            return Ok(Format::Safetensors);
        }
        let known = OTHERS.iter().find(|(beginning, _)| start.starts_with(beginning));
        Err(known.map_or("none of the known formats", |(_, words)| words))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_files_are_named() {
        let words = |start: &[u8]| Format::of(start).unwrap_err();
        assert_eq!(words(b""), "an empty file");
        assert!(words(b"version https://git-lfs.github.com/spec/v1\n").contains("Git LFS"));
        assert!(words(b"<!DOCTYPE html><html>").contains("web page"));
        assert!(words(b"\x80\x04\x95abc").contains("pickle"));
        assert_eq!(words(b"text"), "none of the known formats");
        assert_eq!(words(b"\xff\xff\xff\xff\xff\xff\xff\xff{"), "none of the known formats");
        assert_eq!(Format::of(b"\x02\0\0\0\0\0\0\0{}"), Ok(Format::Safetensors));
    }
}
