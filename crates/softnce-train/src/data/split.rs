//! Splits of a data set.

use std::collections::BTreeMap;

use chacha20::ChaCha8Rng;
use rand::SeedableRng;
use rand::seq::SliceRandom;

use super::{DataError, check_labels};

/// Splits rows into those to train on and those held out, by class: `(train, held_out)`, both in rising order.
///
/// Of a class with `m` rows, `share * m` are held out, rounded to the nearest whole number (halves up) but at most
/// `m - 1`, so that every class present keeps a row to train on. Which ones is drawn from `seed`; the same input
/// always gives the same split. `labels` holds the class of each row, in `0..classes`; `share` is in `(0, 1)`.
///
/// # Errors
///
/// [`DataError`] if there are no rows, a label is not below `classes`, or `share` is not strictly between 0 and 1.
pub fn stratified(
    labels: &[usize],
    classes: usize,
    share: f64,
    seed: u64,
) -> Result<(Vec<usize>, Vec<usize>), DataError> {
    if !(share > 0.0 && share < 1.0) {
        return Err(DataError::Share { value: share });
    }
    if labels.is_empty() {
        return Err(DataError::Empty { argument: "labels" });
    }
    check_labels(labels, classes)?;
    // A map, not a list of all classes: its order is fixed, and absent classes cost nothing.
    let mut by_class: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (row, &label) in labels.iter().enumerate() {
        by_class.entry(label).or_default().push(row);
    }
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut train = Vec::with_capacity(labels.len());
    let mut held_out = Vec::new();
    for mut rows in by_class.into_values() {
        rows.shuffle(&mut rng);
        let count = ((share * rows.len() as f64).round() as usize).min(rows.len() - 1);
        let (out, kept) = rows.split_at(count);
        held_out.extend_from_slice(out);
        train.extend_from_slice(kept);
    }
    train.sort_unstable();
    held_out.sort_unstable();
    Ok((train, held_out))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    /// Class `c` has `sizes[c]` rows, the classes taking turns.
    fn labels(sizes: &[usize]) -> Vec<usize> {
        let longest = sizes.iter().copied().max().unwrap_or(0);
        (0..longest).flat_map(|turn| (0..sizes.len()).filter(move |&class| turn < sizes[class])).collect()
    }

    #[test]
    fn every_row_is_in_one_part_and_every_class_in_its_share() {
        let sizes = [40, 20, 11, 5, 1, 0, 2];
        let labels = labels(&sizes);
        let (train, held_out) = stratified(&labels, sizes.len(), 0.25, 3).unwrap();
        assert!(train.is_sorted() && held_out.is_sorted());
        let mut all = [train.clone(), held_out.clone()].concat();
        all.sort_unstable();
        assert_eq!(all, (0..labels.len()).collect::<Vec<_>>());
        let count = |rows: &[usize], class| rows.iter().filter(|&&row| labels[row] == class).count();
        // np.floor(0.25 * np.array(sizes) + 0.5), but never a whole class
        let expected = [10, 5, 3, 1, 0, 0, 1];
        for (class, &held) in expected.iter().enumerate() {
            assert_eq!(count(&held_out, class), held, "class {class}");
            assert_eq!(count(&train, class), sizes[class] - held, "class {class}");
        }
    }

    #[test]
    fn every_class_keeps_a_training_row() {
        let labels = labels(&[1, 2, 3]);
        let (train, held_out) = stratified(&labels, 3, 0.999, 0).unwrap();
        assert_eq!((train.len(), held_out.len()), (3, 3));
    }

    #[test]
    fn the_seed_decides() {
        let labels = labels(&[50, 50]);
        let split = |seed| stratified(&labels, 2, 0.2, seed).unwrap();
        assert_eq!(split(7), split(7));
        assert_ne!(split(7), split(8));
        // More classes than occur change nothing.
        assert_eq!(stratified(&labels, usize::MAX, 0.2, 7).unwrap(), split(7));
    }

    #[test]
    fn rejects_bad_input() {
        for value in [0.0, 1.0, -0.1, 1.5, f64::INFINITY, f64::NAN] {
            let error = stratified(&[0, 1], 2, value, 0).unwrap_err();
            assert_eq!(error.to_string(), format!("share: {value}, expected a number strictly between 0 and 1"));
        }
        assert!(matches!(stratified(&[], 2, 0.5, 0), Err(DataError::Empty { argument: "labels" })));
        assert!(matches!(
            stratified(&[0, 2], 2, 0.5, 0),
            Err(DataError::LabelOutOfRange { row: 1, label: 2, classes: 2 })
        ));
    }
}
