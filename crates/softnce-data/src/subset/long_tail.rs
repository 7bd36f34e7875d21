//! Long-tailed subsets.

use chacha20::ChaCha8Rng;
use rand::SeedableRng;
use rand::seq::SliceRandom;

use super::{SubsetError, rows_by_class};

/// The rows to keep for an exponential profile of class sizes, in rising order.
///
/// Class `k` of `d` keeps `n_k * imbalance^(-k / (d - 1))` of its `n_k` rows, rounded down. In a balanced set the first
/// class keeps all rows and the last one `1 / imbalance` of them. Source: Cui et al., "Class-balanced loss based on
/// effective number of samples", arXiv 1901.05555, section 5.1.
///
/// `seed` decides which rows, for each class separately. The rows kept at one imbalance are among those kept at any
/// smaller imbalance.
///
/// # Errors
/// [`SubsetError`] if there are no rows, a label is not below `classes`, a class has no rows or would keep none, or
/// `imbalance` is not a finite number of at least 1.
pub fn long_tail(labels: &[usize], classes: usize, imbalance: f64, seed: u64) -> Result<Vec<usize>, SubsetError> {
    if !(imbalance >= 1.0 && imbalance.is_finite()) {
        return Err(SubsetError::Imbalance { value: imbalance });
    }
    let by_class = rows_by_class(labels, classes)?;
    if by_class.len() < classes {
        let class = by_class
            .keys()
            .zip(0..)
            .find(|&(&present, class)| present != class)
            .map_or(by_class.len(), |(_, class)| class);
        return Err(SubsetError::AbsentClass { class, classes });
    }
    let place = |class: usize| class as f64 / classes.saturating_sub(1).max(1) as f64;
    // The class that loses its last row first, with the largest imbalance at which it keeps one.
    let limits =
        by_class.iter().map(|(&class, rows)| (class, rows.len(), (rows.len() as f64).powf(1.0 / place(class))));
    let (class, rows, most) = limits.min_by(|one, other| one.2.total_cmp(&other.2)).unwrap_or((0, 0, f64::INFINITY));
    // A whole number may come out a rounding error too small.
    if imbalance > most * (1.0 + 1e-9) {
        return Err(SubsetError::Unreachable { imbalance, class, rows, most: most.floor() });
    }
    let mut kept = Vec::new();
    for (class, mut rows) in by_class {
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        generator.set_stream(class as u64);
        rows.shuffle(&mut generator);
        let count = rows.len() as f64 * imbalance.powf(-place(class));
        kept.extend(rows.into_iter().take(((count + 1e-9) as usize).max(1)));
    }
    kept.sort_unstable();
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn balanced(classes: usize, each: usize) -> Vec<usize> {
        (0..classes * each).map(|row| row % classes).collect()
    }

    fn counts(labels: &[usize], rows: &[usize], classes: usize) -> Vec<usize> {
        (0..classes).map(|class| rows.iter().filter(|&&row| labels[row] == class).count()).collect()
    }

    #[test]
    fn the_usual_sizes_come_out() {
        // [int(5000 * 100 ** (-k / 9)) for k in range(10)], 12,406 in all; CIFAR-100-LT has 10,847 at 100 and 19,573
        // at 10. The published loaders give these.
        let labels = balanced(10, 5000);
        let kept = long_tail(&labels, 10, 100.0, 0).unwrap();
        assert_eq!(counts(&labels, &kept, 10), [5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50]);
        assert_eq!(kept.len(), 12_406);
        let labels = balanced(100, 500);
        assert_eq!(long_tail(&labels, 100, 100.0, 0).unwrap().len(), 10_847);
        assert_eq!(long_tail(&labels, 100, 10.0, 0).unwrap().len(), 19_573);
    }

    #[test]
    fn the_seed_decides_and_more_imbalance_only_takes_away() {
        let labels = balanced(5, 40);
        let kept = |imbalance, seed| long_tail(&labels, 5, imbalance, seed).unwrap();
        assert_eq!(kept(20.0, 1), kept(20.0, 1));
        assert_ne!(kept(20.0, 1), kept(20.0, 2));
        assert_eq!(kept(1.0, 3), (0..200).collect::<Vec<_>>());
        assert!(kept(20.0, 1).is_sorted());
        let more: HashSet<usize> = kept(4.0, 1).into_iter().collect();
        assert!(kept(20.0, 1).iter().all(|row| more.contains(row)));
        // Not the first rows of each class, nor the same row of each class.
        assert!((1..4).any(|seed| kept(40.0, seed).iter().find(|&&row| row % 5 == 4) != Some(&4)));
        assert_eq!(counts(&labels, &kept(40.0, 1), 5), [40, 15, 6, 2, 1]);
    }

    #[test]
    fn one_class_keeps_all() {
        assert_eq!(long_tail(&[0, 0, 0], 1, 100.0, 0).unwrap(), [0, 1, 2]);
    }

    #[test]
    fn rejects_bad_input() {
        for value in [0.99, 0.0, -2.0, f64::NAN, f64::INFINITY] {
            let error = long_tail(&[0, 1], 2, value, 0).unwrap_err();
            assert!(error.to_string().starts_with(&format!("imbalance: {value}; ")));
        }
        let error = long_tail(&balanced(5, 40), 5, 41.0, 0).unwrap_err();
        let expected = "imbalance: 41; expected at most 40: class 4 would keep none of its 40 rows";
        assert_eq!(error.to_string(), expected);
        assert_eq!(long_tail(&[], 2, 2.0, 0), Err(SubsetError::Empty));
        assert_eq!(long_tail(&[0, 2], 2, 2.0, 0), Err(SubsetError::Label { row: 1, label: 2, classes: 2 }));
        assert_eq!(long_tail(&[0, 2], 3, 2.0, 0), Err(SubsetError::AbsentClass { class: 1, classes: 3 }));
        assert_eq!(long_tail(&[0, 1], 9, 2.0, 0), Err(SubsetError::AbsentClass { class: 2, classes: 9 }));
    }
}
