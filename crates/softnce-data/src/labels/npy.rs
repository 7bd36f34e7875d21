//! Arrays in NumPy's format.

use std::io::{ErrorKind, Read};
use std::path::Path;

use ndarray::Array2;
use npyz::{DType, Endianness, NpyHeader, Order, TypeChar};

use super::LabelError;
use super::element::{NumberFormat, NumberKind};
use super::matching::RowMatching;
use super::place::Place;
use super::rule::LabelRows;
use crate::ContentError;

/// The first bytes of an `.npy` file.
pub(super) const NPY: &[u8] = b"\x93NUMPY";

/// Reads the only array of a file.
pub(super) fn read(
    mut sink: LabelRows<'_>,
    mut file: impl Read,
    matching: Option<RowMatching>,
) -> Result<Array2<f32>, LabelError> {
    let path = sink.path;
    let (header, start) = read_header(path, &mut file)?;
    let (rows, classes) = (sink.rows(), sink.classes());
    if header.shape() != [rows as u64, classes as u64] {
        return Err(sink.shape(format!("an array of shape {:?}", header.shape())));
    }
    let dtype = header.dtype();
    let Some(element) = element(&dtype) else {
        let object = if dtype.uses_pickled_array() { "Python objects" } else { &dtype.descr() };
        let expected = "integers or floating-point numbers, as after array.astype(numpy.float32)";
        return Err(ContentError::whole(path, format!("an array of {object}"), expected));
    };
    let size = element.size();
    let (length, parts) = match header.order() {
        Order::C => (classes.checked_mul(size), rows),
        // The file stores column after column, so the first row needs all of it.
        Order::Fortran => (rows.checked_mul(classes).and_then(|values| values.checked_mul(size)), 1),
    };
    let length = length.ok_or_else(|| sink.shape("more bytes than fit the memory".to_owned()))?;
    let mut at = start;
    let mut bytes = Vec::new();
    for _ in 0..parts {
        bytes.clear();
        file.by_ref().take(length as u64).read_to_end(&mut bytes).map_err(LabelError::io(path))?;
        at += bytes.len() as u64;
        if bytes.len() < length {
            let total = (rows * classes).saturating_mul(size);
            let found = format!("the file ends in row {}", sink.taken());
            return Err(ContentError::byte(path, at, found, format!("{total} bytes from byte {start} on")));
        }
        match header.order() {
            Order::C => {
                let row: Vec<f64> = bytes.chunks_exact(size).map(|bytes| element.decode(bytes)).collect();
                sink.push(&row, Place::Array(sink.taken()))?;
            }
            Order::Fortran => {
                let step = rows * size;
                for row in 0..rows {
                    let columns = bytes.chunks_exact(step).map(|column| &column[row * size..][..size]);
                    let values: Vec<f64> = columns.map(|bytes| element.decode(bytes)).collect();
                    sink.push(&values, Place::Array(row))?;
                }
            }
        }
    }
    if file.read(&mut [0]).map_err(LabelError::io(path))? > 0 {
        return Err(ContentError::byte(path, at, "further bytes", "the end of the file"));
    }
    sink.finish(matching)
}

/// The header of an array and the byte where its values begin.
pub(super) fn read_header(path: &Path, file: &mut impl Read) -> Result<(NpyHeader, u64), LabelError> {
    let wrong = |found: String| ContentError::byte(path, 0, found, "the header of an .npy file");
    let mut next = |length: usize| -> Result<Vec<u8>, LabelError> {
        let mut bytes = Vec::new();
        file.by_ref().take(length as u64).read_to_end(&mut bytes).map_err(LabelError::io(path))?;
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
        _ => LabelError::Io { path: path.to_owned(), source },
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

fn element(dtype: &DType) -> Option<NumberFormat> {
    let DType::Plain(text) = dtype else { return None };
    let kind = match text.type_char() {
        TypeChar::Float => NumberKind::Float,
        TypeChar::Int => NumberKind::Signed,
        TypeChar::Uint | TypeChar::Bool => NumberKind::Unsigned,
        _ => return None,
    };
    NumberFormat::new(kind, usize::try_from(text.size_field()).ok()?, text.endianness() == Endianness::Big)
}
