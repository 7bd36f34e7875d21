//! What a finished run shows: `results.md`, `results.csv`, `curves.svg`, `report.html`, and a table for a terminal.
//!
//! Everything is a function of [`RunResults`], so the files can be written again without training.

mod curves;
mod page;
mod setting;
mod tables;
#[cfg(test)]
mod tests;
mod values;

use std::path::Path;

use softnce_store::Lock;

pub use self::tables::terminal;
use crate::ClassesError;
use crate::results::RunResults;

/// Writes the files of a finished run into its folder.
///
/// # Errors
/// A file that cannot be written.
pub(crate) fn write(folder: &Path, results: &RunResults) -> Result<(), ClassesError> {
    let page = page::page(results)?;
    softnce_store::write(&folder.join("results.md"), tables::markdown(results).as_bytes())?;
    softnce_store::write_csv(&folder.join("results.csv"), values::rows(results))?;
    softnce_store::write(&folder.join("curves.svg"), curves::file(results).as_bytes())?;
    Ok(softnce_store::write(&folder.join("report.html"), page.as_bytes())?)
}

/// Reads `results.json` of a finished run, and writes the files for people again.
///
/// # Errors
/// A run that is not finished, or that another process works on; a file that cannot be read or written.
pub fn write_again(folder: &Path) -> Result<RunResults, ClassesError> {
    let results = RunResults::read(folder)?;
    let _lock = Lock::folder(folder, "wait until it has ended")?;
    write(folder, &results)?;
    Ok(results)
}
