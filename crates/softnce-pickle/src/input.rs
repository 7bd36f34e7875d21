//! The bytes of pickles.

use std::io::{self, BufRead, Read};

/// Lines up to this length are kept: numbers and names in protocol 0.
const LONGEST_LINE: usize = 1 << 10;

/// Reads the parts of pickles from a file or memory.
#[derive(Debug)]
pub struct Input<R> {
    reader: R,
    position: u64,
}

impl<R: BufRead> Input<R> {
    /// An input that starts at byte 0.
    pub fn new(reader: R) -> Input<R> {
        Input { reader, position: 0 }
    }

    /// Number of bytes read so far.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The reader, behind the last byte that was read.
    pub fn into_inner(self) -> R {
        self.reader
    }

    /// The next `N` bytes.
    ///
    /// # Errors
    /// In words: the file ends before, or it cannot be read.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let mut bytes = [0; N];
        self.reader.read_exact(&mut bytes).map_err(|error| failed(&error))?;
        self.position += N as u64;
        Ok(bytes)
    }

    /// Passes over bytes.
    ///
    /// # Errors
    /// As [`Input::array`].
    pub fn skip(&mut self, length: u64) -> Result<(), String> {
        self.bytes(length, 0).map(drop)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, String> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// A number of one, two, four or eight bytes, the lowest first.
    pub(crate) fn number<const N: usize>(&mut self) -> Result<u64, String> {
        Ok(self.array::<N>()?.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte)))
    }

    /// The next bytes. More than `longest` are skipped and give `None`.
    pub(crate) fn bytes(&mut self, length: u64, longest: u64) -> Result<Option<Vec<u8>>, String> {
        let kept = if length <= longest { length } else { 0 };
        let mut bytes = Vec::new();
        let found = (&mut self.reader).take(kept).read_to_end(&mut bytes).map_err(|error| failed(&error))?;
        let skipped = io::copy(&mut (&mut self.reader).take(length - kept), &mut io::sink());
        let found = found as u64 + skipped.map_err(|error| failed(&error))?;
        self.position = self.position.saturating_add(found);
        if found < length {
            return Err(format!("the file ends after {found} of {length} bytes"));
        }
        Ok((length <= longest).then_some(bytes))
    }

    /// A line without its end; `None` for one that is long or not UTF-8.
    pub(crate) fn line(&mut self) -> Result<Option<String>, String> {
        let mut line = Vec::new();
        loop {
            match self.byte()? {
                b'\n' => break,
                byte if line.len() <= LONGEST_LINE => line.push(byte),
                _ => {}
            }
        }
        Ok(if line.len() <= LONGEST_LINE { String::from_utf8(line).ok() } else { None })
    }
}

fn failed(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "the file ends".to_owned(),
        _ => format!("it cannot be read: {error}"),
    }
}
