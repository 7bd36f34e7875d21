//! Text files of any size, indexed by line.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use softnce_data::ContentError;
use softnce_store::read_exact_at;

use super::DataError;

/// Longest line in bytes. A longer one is no row, but another kind of file, and would fill the memory.
const MOST_LINE: u64 = 1 << 26;
/// Longest part of a line that an error quotes, in characters.
const MOST_QUOTED: usize = 40;

/// What is wrong in a line.
#[derive(Debug)]
pub(super) struct Fault {
    /// The byte in the line, from 0.
    pub(super) column: usize,
    pub(super) found: String,
    pub(super) expected: String,
}

impl Fault {
    pub(super) fn new(column: usize, found: impl Into<String>, expected: impl Into<String>) -> Self {
        Fault { column, found: found.into(), expected: expected.into() }
    }

    /// With its file and line, which counts from 1.
    pub(super) fn at(self, path: &Path, line: usize) -> DataError {
        DataError::column(path, (line, self.column + 1), self.found, self.expected)
    }
}

/// A part of a line, for an error.
pub(super) fn quoted(token: &[u8]) -> String {
    let text = String::from_utf8_lossy(token);
    let visible = |character: char| if character.is_control() { char::REPLACEMENT_CHARACTER } else { character };
    let shown: String = text.chars().take(MOST_QUOTED).map(visible).collect();
    let dots = if text.chars().nth(MOST_QUOTED).is_some() { ".." } else { "" };
    if token.is_empty() { "nothing".to_owned() } else { format!("'{shown}{dots}'") }
}

/// Calls `visit` with each line: its number from 1, its first byte in the file, and its bytes without the line's end.
pub(super) fn visit_lines(
    path: &Path,
    mut visit: impl FnMut(usize, u64, &[u8]) -> Result<(), DataError>,
) -> Result<(), DataError> {
    let mut reader = BufReader::with_capacity(1 << 20, File::open(path).map_err(DataError::io(path))?);
    let (mut bytes, mut start, mut line) = (Vec::new(), 0, 0);
    loop {
        bytes.clear();
        let read = (&mut reader).take(MOST_LINE).read_until(b'\n', &mut bytes).map_err(DataError::io(path))?;
        if read == 0 {
            return Ok(());
        }
        line += 1;
        if bytes.len() as u64 == MOST_LINE {
            return Err(DataError::line(path, line, format!("{MOST_LINE} bytes or more"), "a shorter line"));
        }
        visit(line, start, trimmed(&bytes))?;
        start += read as u64;
    }
}

/// A line without its end.
fn trimmed(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    bytes.strip_suffix(b"\r").unwrap_or(bytes)
}

/// Lines of a file that are read when they are asked for: twelve bytes of memory each, and the system keeps in memory
/// what fits of the file.
#[derive(Debug)]
pub(super) struct Lines {
    path: PathBuf,
    file: File,
    starts: Vec<u64>,
    lengths: Vec<u32>,
}

impl Lines {
    pub(super) fn open(path: &Path) -> Result<Self, DataError> {
        let file = File::open(path).map_err(DataError::io(path))?;
        Ok(Lines { path: path.to_owned(), file, starts: Vec::new(), lengths: Vec::new() })
    }

    /// Adds a line by its first byte and its length, which [`visit_lines`] limits.
    pub(super) fn push(&mut self, start: u64, length: usize) {
        self.starts.push(start);
        self.lengths.push(length as u32);
    }

    pub(super) fn len(&self) -> usize {
        self.starts.len()
    }

    /// Calls `parse` with a line.
    ///
    /// # Errors
    /// A line that does not exist or cannot be read; one that `parse` refuses, which it accepted when it was indexed:
    /// the file has changed.
    pub(super) fn read<T>(&self, index: usize, parse: impl FnOnce(&[u8]) -> Result<T, Fault>) -> Result<T, DataError> {
        DataError::check_index(index, self.len())?;
        let (start, mut bytes) = (self.starts[index], vec![0; self.lengths[index] as usize]);
        read_exact_at(&self.file, &mut bytes, start).map_err(DataError::io(&self.path))?;
        parse(&bytes).map_err(|fault| {
            let place = format!(", byte {}", start + fault.column as u64);
            let expected = format!("{}, as before the file was changed", fault.expected);
            ContentError { path: self.path.clone(), place, found: fault.found, expected }.into()
        })
    }
}
