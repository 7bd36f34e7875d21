//! The bytes of a pickle.

use std::io::{BufRead, Read};

/// Texts up to this length are kept; names of tensors and of storages are far shorter.
const LONGEST_TEXT: u64 = 1024;

/// Reads the parts of a pickle; every length is checked against what is there before memory is taken.
#[derive(Debug)]
pub(in super::super) struct Input<R> {
    reader: R,
    /// Bytes read so far.
    pub position: u64,
}

impl<R: BufRead> Input<R> {
    pub fn new(reader: R) -> Input<R> {
        Input { reader, position: 0 }
    }

    /// The rest of what it reads from.
    pub fn into_inner(self) -> R {
        self.reader
    }

    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let mut bytes = [0; N];
        self.reader.read_exact(&mut bytes).map_err(|error| self.failed(&error))?;
        self.position += N as u64;
        Ok(bytes)
    }

    pub fn byte(&mut self) -> Result<u8, String> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// A number of one, two, four or eight bytes, least significant first.
    pub fn number<const N: usize>(&mut self) -> Result<u64, String> {
        Ok(self.array::<N>()?.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte)))
    }

    /// The next bytes; `None` for more than fit a short text, which are skipped.
    pub fn bytes(&mut self, length: u64) -> Result<Option<Vec<u8>>, String> {
        let kept = if length <= LONGEST_TEXT { length } else { 0 };
        let mut bytes = Vec::with_capacity(kept as usize);
        let found = (&mut self.reader).take(kept).read_to_end(&mut bytes).map_err(|error| self.failed(&error))?;
        let skipped = std::io::copy(&mut (&mut self.reader).take(length - kept), &mut std::io::sink());
        let found = found as u64 + skipped.map_err(|error| self.failed(&error))?;
        self.position = self.position.saturating_add(found);
        if found < length {
            return Err(format!("it ends within a value of {length} bytes (byte {} of its pickle)", self.position));
        }
        Ok((length <= LONGEST_TEXT).then_some(bytes))
    }

    /// A line without its end; `None` for a long one.
    pub fn line(&mut self) -> Result<Option<String>, String> {
        let mut line = Vec::new();
        loop {
            match self.byte()? {
                b'\n' => break,
                byte if line.len() as u64 <= LONGEST_TEXT => line.push(byte),
                _ => {}
            }
        }
        Ok(if line.len() as u64 <= LONGEST_TEXT { String::from_utf8(line).ok() } else { None })
    }

    fn failed(&self, error: &std::io::Error) -> String {
        if error.kind() == std::io::ErrorKind::UnexpectedEof {
            format!("it ends in the middle of its pickled objects (byte {})", self.position)
        } else {
            format!("its pickled objects cannot be read: {error}")
        }
    }
}
