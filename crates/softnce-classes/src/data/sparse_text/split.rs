//! The files that split a set of the Extreme Classification Repository into training and test rows.

use std::path::Path;

use crate::data::DataError;
use crate::data::lines::{quoted, visit_lines};

/// The rows of a split: the small sets of the repository come as one file of rows and two of splits, where each column
/// lists the rows of one of several random splits, counted from 1.
///
/// # Arguments
/// `column`: which split, from 0; `rows`: number of rows of the set.
///
/// # Errors
/// A file that cannot be read; a line without this column; an entry that is no row of the set.
pub fn read_split(path: &Path, column: usize, rows: usize) -> Result<Vec<u32>, DataError> {
    let mut split = Vec::new();
    visit_lines(path, |line, _, bytes| {
        let token = bytes.split(u8::is_ascii_whitespace).filter(|token| !token.is_empty()).nth(column);
        let token = token.unwrap_or_default();
        let row = std::str::from_utf8(token).ok().and_then(|text| text.parse::<u32>().ok());
        match row.filter(|&row| row >= 1 && row as usize <= rows) {
            Some(row) => {
                split.push(row - 1);
                Ok(())
            }
            None => {
                let found = format!("{} in column {column}", quoted(token));
                Err(DataError::line(path, line, found, format!("a row from 1 to {rows}")))
            }
        }
    })?;
    if split.is_empty() { Err(DataError::file(path, "no rows", "at least one")) } else { Ok(split) }
}
