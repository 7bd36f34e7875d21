//! Ranks of classes: top-k accuracy and the class predicted.

use ndarray::ArrayView1;

/// How many *other* classes of `scores` (shape `[classes]`) score at least as high as class `label`, which must be
/// below `scores.len()`.
///
/// The class is among the `k` largest if there are fewer than `k`. A tie thus counts against the prediction: the
/// answer does not depend on the order of the classes, and a model that scores all classes alike gets no credit.
pub(crate) fn rivals(scores: ArrayView1<'_, f32>, label: usize) -> usize {
    let own = scores[label];
    scores.iter().enumerate().filter(|&(class, &score)| class != label && score >= own).count()
}

/// The class predicted: the one with the largest score, and `label` only if it stands above all others; of equal
/// ones the first. So a prediction is right exactly where [`rivals`] finds none.
pub(crate) fn predicted(scores: ArrayView1<'_, f32>, label: usize) -> usize {
    let best = scores.iter().enumerate().filter(|&(class, _)| class != label);
    let best = best.reduce(|best, next| if next.1 > best.1 { next } else { best });
    match best {
        Some((class, &score)) if score >= scores[label] => class,
        _ => label,
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{arr1, aview1};

    use super::*;

    fn in_top_k(scores: ArrayView1<'_, f32>, label: usize, k: usize) -> bool {
        rivals(scores, label) < k
    }

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
    }

    #[test]
    fn the_class_predicted_is_the_label_only_without_rivals() {
        for scores in [[1.0, 1.0, 0.0], [0.0, 2.0, 2.0], [0.0, -0.0, -1.0], [3.0, 2.0, 1.0], [0.0; 3]] {
            let scores = aview1(&scores);
            for label in 0..3 {
                let class = predicted(scores, label);
                assert_eq!(class == label, rivals(scores, label) == 0, "{scores} {label}");
                assert!(scores.iter().all(|&score| score <= scores[class]));
            }
        }
        assert_eq!(predicted(aview1(&[0.0, 2.0, 2.0]), 0), 1);
        assert_eq!(predicted(aview1(&[-1.0]), 0), 0);
    }
}
