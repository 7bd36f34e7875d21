//! Tables as CSV.

use std::io;
use std::path::Path;

use serde::Serialize;

use crate::{StoreError, write};

/// Rows as CSV. Rows that are structs give the head, from the names of their fields; of other rows, such as vectors of
/// words, the first is the head. Every number reads back as it was; `None` leaves its field empty.
///
/// # Errors
/// Rows of different lengths, or that hold maps.
pub fn csv<R: Serialize>(rows: impl IntoIterator<Item = R>) -> Result<Vec<u8>, ::csv::Error> {
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    rows.into_iter().try_for_each(|row| writer.serialize(row))?;
    writer.into_inner().map_err(|error| error.into_error().into())
}

/// Writes rows as [`csv()`], as [`write()`] does.
///
/// # Errors
/// [`StoreError::File`]: as [`write()`] and [`csv()`].
pub fn write_csv<R: Serialize>(path: &Path, rows: impl IntoIterator<Item = R>) -> Result<(), StoreError> {
    let bytes = csv(rows).map_err(io::Error::from).map_err(StoreError::file("write", path))?;
    write(path, &bytes)
}
