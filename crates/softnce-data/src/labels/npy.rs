//! Arrays in NumPy's format.

use std::fs::File;
use std::io::{BufReader, ErrorKind, Read, Seek};

use ndarray::Array2;
use npyz::{DType, Endianness, NpyHeader, Order, TypeChar};

use super::LabelError;
use super::element::{NumberFormat, NumberKind};
use super::rule::LabelRows;
use crate::ContentError;

pub(super) fn read(mut sink: LabelRows<'_>) -> Result<Array2<f32>, LabelError> {
    let path = sink.path;
    let mut file = BufReader::new(File::open(path).map_err(LabelError::io(path))?);
    let header = NpyHeader::from_reader(&mut file).map_err(|source| match source.kind() {
        ErrorKind::UnexpectedEof | ErrorKind::InvalidData | ErrorKind::Other | ErrorKind::InvalidInput => {
            ContentError::byte(path, 0, source.to_string(), "the header of an .npy file")
        }
        _ => LabelError::Io { path: path.to_owned(), source },
    })?;
    if header.shape() != [sink.rows as u64, sink.classes as u64] {
        return Err(sink.shape(format!("an array of shape {:?}", header.shape())));
    }
    let dtype = header.dtype();
    let Some(element) = element(&dtype) else {
        let found = format!("an array of {}", dtype.descr());
        return Err(ContentError::whole(path, found, "integers or floating-point numbers"));
    };
    let start = file.stream_position().map_err(LabelError::io(path))?;
    let size = element.size();
    let (length, parts) = match header.order() {
        Order::C => (sink.classes.checked_mul(size), sink.rows),
        // The file stores column after column, so the first row needs all of it.
        Order::Fortran => (sink.rows.checked_mul(sink.classes).and_then(|values| values.checked_mul(size)), 1),
    };
    let length = length.ok_or_else(|| sink.shape("more bytes than fit the memory".to_owned()))?;
    let mut at = start;
    let mut bytes = Vec::new();
    for _ in 0..parts {
        bytes.clear();
        file.by_ref().take(length as u64).read_to_end(&mut bytes).map_err(LabelError::io(path))?;
        at += bytes.len() as u64;
        if bytes.len() < length {
            let total = (sink.rows * sink.classes).saturating_mul(size);
            let found = format!("the file ends in row {}", sink.taken());
            return Err(ContentError::byte(path, at, found, format!("{total} bytes from byte {start} on")));
        }
        match header.order() {
            Order::C => {
                let row: Vec<f64> = bytes.chunks_exact(size).map(|bytes| element.decode(bytes)).collect();
                sink.push(&row)?;
            }
            Order::Fortran => {
                let step = sink.rows * size;
                for row in 0..sink.rows {
                    let columns = bytes.chunks_exact(step).map(|column| &column[row * size..][..size]);
                    let row: Vec<f64> = columns.map(|bytes| element.decode(bytes)).collect();
                    sink.push(&row)?;
                }
            }
        }
    }
    if file.read(&mut [0]).map_err(LabelError::io(path))? > 0 {
        return Err(ContentError::byte(path, at, "further bytes", "the end of the file"));
    }
    sink.finish()
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
