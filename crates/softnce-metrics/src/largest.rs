//! The class that a hard label keeps of a distribution.

use ndarray::ArrayView1;

/// The index of the largest entry of a row, the first of equals; 0 for an empty row.
///
/// # Shapes
/// `row`: `[classes]`.
pub fn largest_entry(row: ArrayView1<'_, f64>) -> usize {
    (0..row.len()).rev().max_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_equals() {
        assert_eq!(largest_entry(ndarray::array![0.2, 0.4, 0.4].view()), 1);
        assert_eq!(largest_entry(ndarray::array![0.5, 0.5].view()), 0);
    }
}
