//! The header of NumPy's format.

use std::io::{ErrorKind, Read};
use std::path::Path;

use npyz::{DType, Endianness, NpyHeader, TypeChar};

use super::ArrayError;
use super::element::{NumberFormat, NumberKind};
use crate::ContentError;

/// The first bytes of an `.npy` file.
pub(crate) const NPY: &[u8] = b"\x93NUMPY";

/// The header of an array and the byte where its values begin.
pub(crate) fn read_header(path: &Path, file: &mut impl Read) -> Result<(NpyHeader, u64), ArrayError> {
    let wrong = |found: String| ContentError::byte(path, 0, found, "the header of an .npy file");
    let mut next = |length: usize| -> Result<Vec<u8>, ArrayError> {
        let mut bytes = Vec::new();
        file.by_ref().take(length as u64).read_to_end(&mut bytes).map_err(ArrayError::io(path))?;
        if bytes.len() == length { Ok(bytes) } else { Err(wrong("the end of the file".to_owned())) }
    };
    let magic = next(NPY.len() + 2)?;
    let length = match magic.strip_prefix(NPY) {
        Some([1, 0]) => next(2)?,
        Some([2 | 3, 0]) => next(4)?,
        Some([major, minor]) => return Err(wrong(format!("version {major}.{minor} of the format"))),
        _ => return Err(wrong("other bytes than those of NumPy".to_owned())),
    };
    let text = next(length.iter().rev().fold(0, |length, &byte| length << 8 | usize::from(byte)))?;
    let start = (magic.len() + length.len() + text.len()) as u64;
    let text = plain(&text);
    // As version 2, whose length has four bytes.
    let header = [NPY, &[2, 0], &(text.len() as u32).to_le_bytes(), &text].concat();
    let header = NpyHeader::from_reader(&header[..]).map_err(|source| match source.kind() {
        ErrorKind::UnexpectedEof | ErrorKind::InvalidData | ErrorKind::Other | ErrorKind::InvalidInput => {
            wrong(source.to_string())
        }
        _ => ArrayError::Io { path: path.to_owned(), source },
    })?;
    Ok((header, start))
}

/// The header on one line, without the `L` of Python 2's long integers, as in `'shape': (36L, 3L)`.
fn plain(header: &[u8]) -> Vec<u8> {
    let mut quote = None;
    let mut before = b' ';
    let mut plain = Vec::with_capacity(header.len());
    for &byte in header.trim_ascii() {
        match quote {
            None if matches!(byte, b'\'' | b'"') => quote = Some(byte),
            Some(open) if open == byte => quote = None,
            _ => {}
        }
        let suffix = quote.is_none() && byte == b'L' && before.is_ascii_digit();
        before = byte;
        if !suffix {
            plain.push(if matches!(byte, b'\n' | b'\r') { b' ' } else { byte });
        }
    }
    plain
}

/// The format of the numbers of an array; `None` if it holds other things.
pub(crate) fn element(dtype: &DType) -> Option<NumberFormat> {
    let DType::Plain(text) = dtype else { return None };
    let kind = match text.type_char() {
        TypeChar::Float => NumberKind::Float,
        TypeChar::Int => NumberKind::Signed,
        TypeChar::Uint | TypeChar::Bool => NumberKind::Unsigned,
        _ => return None,
    };
    NumberFormat::new(kind, usize::try_from(text.size_field()).ok()?, text.endianness() == Endianness::Big)
}
