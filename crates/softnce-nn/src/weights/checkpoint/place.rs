//! Pieces of a file.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

use flate2::read::DeflateDecoder;

/// A piece of a file: a storage, or a file in an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) start: u64,
    /// Bytes in the file.
    pub(super) length: u64,
    /// Bytes when unpacked.
    pub(super) size: u64,
    /// Whether it is compressed with DEFLATE.
    pub(super) packed: bool,
    /// CRC-32 of its content, if known.
    pub(super) checksum: Option<u32>,
}

/// Bytes that a compressed storage may have for each byte of the tensors that are read from it.
const LARGEST_RATIO: u64 = 16;

impl Place {
    /// Bytes that are stored as they are.
    pub(super) fn plain(start: u64, length: u64) -> Place {
        Place { start, length, size: length, packed: false, checksum: None }
    }

    /// Reads it from its start.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub(super) fn reader<'a>(&self, mut file: &'a File) -> io::Result<Checked<'a>> {
        file.seek(SeekFrom::Start(self.start))?;
        let piece = BufReader::with_capacity(1 << 16, file).take(self.length);
        let content: Box<dyn Read> = if self.packed { Box::new(DeflateDecoder::new(piece)) } else { Box::new(piece) };
        Ok(Checked { content: content.take(self.size), hasher: crc32fast::Hasher::new(), expected: self.checksum })
    }

    /// Its first bytes, for tensors of `wanted` bytes.
    ///
    /// # Errors
    /// A file that cannot be read, is too short, or has another checksum.
    pub(super) fn read(&self, file: &File, end: usize, wanted: usize) -> Result<Vec<u8>, String> {
        let most = (wanted as u64).saturating_mul(LARGEST_RATIO).saturating_add(1 << 20);
        if self.packed && end as u64 > most {
            return Err(format!(
                "its storage has {end} bytes when unpacked, of which the weights need {wanted}: too few to unpack it"
            ));
        }
        let failed = |error: io::Error| format!("its numbers cannot be read: {error}");
        let mut reader = self.reader(file).map_err(failed)?;
        let mut bytes = Vec::new();
        // Within the file, this allocates what is there and not what the file claims.
        if !self.packed && end as u64 <= self.length && self.start.saturating_add(self.length) <= length(file) {
            bytes.reserve_exact(end);
        }
        (&mut reader).take(end as u64).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() < end {
            return Err(format!("a storage ends after {} of {end} bytes: the file is truncated", bytes.len()));
        }
        if !self.packed || end as u64 == self.size {
            reader.finish()?;
        }
        Ok(bytes)
    }
}

fn length(file: &File) -> u64 {
    file.metadata().map_or(0, |metadata| metadata.len())
}

/// Reads a [`Place`] and computes its checksum.
pub(super) struct Checked<'a> {
    content: io::Take<Box<dyn Read + 'a>>,
    hasher: crc32fast::Hasher,
    expected: Option<u32>,
}

impl Read for Checked<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.content.read(buffer)?;
        if self.expected.is_some() {
            self.hasher.update(&buffer[..count]);
        }
        Ok(count)
    }
}

impl<'a> Checked<'a> {
    /// With a buffer, for readers of single bytes.
    pub(super) fn buffered(self) -> BufReader<Checked<'a>> {
        BufReader::new(self)
    }

    /// Reads the rest and compares the checksum.
    ///
    /// # Errors
    /// A file that cannot be read, or has another checksum.
    pub(super) fn finish(mut self) -> Result<(), String> {
        let Some(expected) = self.expected else { return Ok(()) };
        io::copy(&mut self, &mut io::sink()).map_err(|error| format!("it cannot be read: {error}"))?;
        let found = self.hasher.finalize();
        if found == expected {
            return Ok(());
        }
        Err(format!("its content has the checksum {found:08x}, expected {expected:08x}: the file is damaged"))
    }
}
