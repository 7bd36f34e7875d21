//! A held-out share of each class.

use chacha20::ChaCha8Rng;
use rand::SeedableRng;
use rand::seq::SliceRandom;

use super::{SubsetError, rows_by_class};

/// Splits rows into kept and held-out ones, class by class: `(kept, held)`, both in rising order.
///
/// Of a class with `m` rows, `share * m` are held out, rounded to the nearest whole number (halves up) but at most
/// `m - 1`, so that each class keeps a row to train on. `seed` decides which rows.
///
/// # Errors
/// [`SubsetError`] if there are no rows, a label is not below `classes`, or `share` is not strictly between 0 and 1.
pub fn stratified(
    labels: &[usize],
    classes: usize,
    share: f64,
    seed: u64,
) -> Result<(Vec<usize>, Vec<usize>), SubsetError> {
    if !(share > 0.0 && share < 1.0) {
        return Err(SubsetError::Share { value: share });
    }
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    let (mut kept, mut held) = (Vec::with_capacity(labels.len()), Vec::new());
    for mut rows in rows_by_class(labels, classes)?.into_values() {
        rows.shuffle(&mut generator);
        let count = ((share * rows.len() as f64).round() as usize).min(rows.len() - 1);
        let (out, stay) = rows.split_at(count);
        held.extend_from_slice(out);
        kept.extend_from_slice(stay);
    }
    kept.sort_unstable();
    held.sort_unstable();
    Ok((kept, held))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Class `c` has `sizes[c]` rows, the classes taking turns.
    fn labels(sizes: &[usize]) -> Vec<usize> {
        let longest = sizes.iter().copied().max().unwrap_or(0);
        (0..longest).flat_map(|turn| (0..sizes.len()).filter(move |&class| turn < sizes[class])).collect()
    }

    #[test]
    fn each_row_is_in_one_part_and_each_class_keeps_its_share() {
        let sizes = [40, 20, 11, 5, 1, 0, 2];
        let labels = labels(&sizes);
        let (kept, held) = stratified(&labels, sizes.len(), 0.25, 3).unwrap();
        assert!(kept.is_sorted() && held.is_sorted());
        let mut all = [kept.clone(), held.clone()].concat();
        all.sort_unstable();
        assert_eq!(all, (0..labels.len()).collect::<Vec<_>>());
        // np.floor(0.25 * np.array(sizes) + 0.5), but never a whole class
        let expected = [10, 5, 3, 1, 0, 0, 1];
        for (class, &expected) in expected.iter().enumerate() {
            assert_eq!(held.iter().filter(|&&row| labels[row] == class).count(), expected, "class {class}");
        }
    }

    #[test]
    fn the_seed_decides() {
        let labels = labels(&[50, 50]);
        let split = |seed| stratified(&labels, 2, 0.2, seed).unwrap();
        assert_eq!(split(7), split(7));
        assert_ne!(split(7), split(8));
        // A larger number of classes changes nothing.
        assert_eq!(stratified(&labels, usize::MAX, 0.2, 7).unwrap(), split(7));
    }

    #[test]
    fn rejects_bad_input() {
        for value in [0.0, 1.0, -0.1, 1.5, f64::INFINITY, f64::NAN] {
            let error = stratified(&[0, 1], 2, value, 0).unwrap_err();
            assert_eq!(error.to_string(), format!("share: {value}; expected a number strictly between 0 and 1"));
        }
        assert_eq!(stratified(&[], 2, 0.5, 0), Err(SubsetError::Empty));
        assert_eq!(stratified(&[0, 2], 2, 0.5, 0), Err(SubsetError::Label { row: 1, label: 2, classes: 2 }));
    }
}
