//! How much of an exact result an approximate one holds.

use super::top::Top;
use crate::RowsError;

/// The share of the entries of `exact` whose class `approximate` holds for the same query, in `[0, 1]`.
///
/// With ties at the end of the exact list, other classes of the same score count as missed.
///
/// # Errors
/// Another number of queries; no entries at all.
pub fn recall(approximate: &Top, exact: &Top) -> Result<f64, RowsError> {
    let (found, expected) = (approximate.classes.nrows(), exact.classes.nrows());
    if found != expected {
        return Err(RowsError::argument("approximate", format!("{found} queries"), format!("{expected}, as in exact")));
    }
    if exact.classes.is_empty() {
        return Err(RowsError::argument("exact", format!("{:?}", exact.classes.dim()), "at least one entry"));
    }
    let mut common = 0;
    for (found, expected) in approximate.classes.rows().into_iter().zip(exact.classes.rows()) {
        let mut found = found.to_vec();
        found.sort_unstable();
        common += expected.iter().filter(|class| found.binary_search(class).is_ok()).count();
    }
    Ok(common as f64 / exact.classes.len() as f64)
}
