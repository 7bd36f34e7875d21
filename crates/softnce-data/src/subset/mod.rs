//! Subsets of a data set: long-tailed, held-out, any list of pictures.

mod error;
mod long_tail;
mod selection;
mod stratified;

use std::collections::BTreeMap;

pub use error::SubsetError;
pub use long_tail::long_tail;
pub use selection::Subset;
pub use stratified::stratified;

/// The rows of each class that occurs, in rising order. A map, so that a large number of classes costs nothing.
fn rows_by_class(labels: &[usize], classes: usize) -> Result<BTreeMap<usize, Vec<usize>>, SubsetError> {
    if labels.is_empty() {
        return Err(SubsetError::Empty);
    }
    let mut rows: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (row, &label) in labels.iter().enumerate() {
        if label >= classes {
            return Err(SubsetError::Label { row, label, classes });
        }
        rows.entry(label).or_default().push(row);
    }
    Ok(rows)
}
