//! Arrays in NumPy's format.

use std::io::Read;

use ndarray::Array2;
use npyz::Order;

use super::LabelError;
use super::matching::RowMatching;
use super::place::Place;
use super::rule::LabelRows;
use crate::ContentError;
use crate::arrays::npy::{element, read_header};

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
