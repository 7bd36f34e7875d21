//! Top-k accuracy.

use ndarray::ArrayView1;

/// Whether class `label` is among the `k` largest of `scores` (shape: classes).
///
/// It is if fewer than `k` *other* classes score at least as high. A tie thus counts against the prediction: the
/// answer does not depend on the order of the classes, and a model that scores all classes alike gets no credit.
/// With at most `k` classes the answer is always yes. `label` must be below `scores.len()`; otherwise the answer is no.
pub(super) fn in_top_k(scores: ArrayView1<'_, f32>, label: usize, k: usize) -> bool {
    let Some(&own) = scores.get(label) else { return false };
    let rivals = scores.iter().enumerate().filter(|&(class, &score)| class != label && score >= own).count();
    rivals < k
}

#[cfg(test)]
mod tests {
    use ndarray::{arr1, aview1};

    use super::*;

    #[test]
    fn counts_the_classes_above() {
        let scores = arr1(&[0.1, 0.9, 0.5, 0.3, 0.2, 0.0]);
        // (np.delete(s, y) >= s[y]).sum() < k
        assert!(in_top_k(scores.view(), 1, 1));
        assert!(!in_top_k(scores.view(), 2, 1));
        assert!(in_top_k(scores.view(), 2, 2));
        assert!(in_top_k(scores.view(), 0, 5));
        assert!(!in_top_k(scores.view(), 5, 5));
    }

    #[test]
    fn a_tie_counts_against_every_class_in_it() {
        let scores = aview1(&[1.0, 1.0, 0.0]);
        for label in [0, 1] {
            assert!(!in_top_k(scores, label, 1));
            assert!(in_top_k(scores, label, 2));
        }
        let flat = aview1(&[0.0; 10]);
        assert!((0..10).all(|label| !in_top_k(flat, label, 5)));
    }

    #[test]
    fn negative_zero_ties_with_zero() {
        assert!(!in_top_k(aview1(&[0.0, -0.0]), 0, 1));
        assert!(!in_top_k(aview1(&[0.0, -0.0]), 1, 1));
    }

    #[test]
    fn few_classes_are_all_in_the_top() {
        assert!(in_top_k(aview1(&[0.0]), 0, 1));
        assert!((0..5).all(|label| in_top_k(aview1(&[1.0; 5]), label, 5)));
        assert!(!in_top_k(aview1(&[1.0; 5]), 5, 5));
    }
}
