//! Selective prediction: how wrong a classifier is on the share of the examples that it is most confident of.

use serde::{Deserialize, Serialize};

/// Share of the examples in [`Selective::accuracy_of_surest`].
const SUREST: f64 = 0.9;

/// The results of a classifier that may abstain on the examples it is least confident of.
///
/// Examples of equal confidence have no order: the values are means over all orders.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Selective {
    /// Area under the risk-coverage curve (Geifman and El-Yaniv 2017): the mean, over `k` from 1 to all, of the error
    /// rate of the `k` most confident examples. In `[0, 1]`, less is better.
    pub aurc: f64,
    /// The smallest area possible with this number of errors: that of a confidence that ranks all errors last.
    pub aurc_perfect: f64,
    /// Accuracy of the most confident 90 % of the examples, rounded up.
    pub accuracy_of_surest: f64,
}

/// From the confidence of each example and whether it was right; both lists have the same length and are not empty.
pub(crate) fn selective(confidences: &[f64], correct: &[bool]) -> Selective {
    let n = correct.len();
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&a, &b| confidences[b].total_cmp(&confidences[a]));
    let mut errors_of_first = Vec::with_capacity(n);
    let mut errors = 0.0;
    for tied in order.chunk_by(|&a, &b| confidences[a] == confidences[b]) {
        let wrong = tied.iter().filter(|&&example| !correct[example]).count() as f64;
        let share = wrong / tied.len() as f64;
        errors_of_first.extend((1..=tied.len()).map(|taken| errors + taken as f64 * share));
        errors += wrong;
    }
    let risks = errors_of_first.iter().zip(1..).map(|(errors, k): (&f64, usize)| errors / k as f64);
    let wrong = correct.iter().filter(|correct| !**correct).count();
    let right = n - wrong;
    let perfect = (1..=wrong).map(|errors| errors as f64 / (right + errors) as f64).sum::<f64>();
    let taken = ((SUREST * n as f64).ceil() as usize).clamp(1, n);
    let accuracy_of_surest = 1.0 - errors_of_first[taken - 1] / taken as f64;
    Selective { aurc: risks.sum::<f64>() / n as f64, aurc_perfect: perfect / n as f64, accuracy_of_surest }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worked_by_hand() {
        // Risks 0/1, 1/2, 1/3, 1/4, 2/5; a perfect order has 0, 0, 0, 1/4, 2/5.
        let found = selective(&[0.9, 0.8, 0.7, 0.6, 0.5], &[true, false, true, true, false]);
        assert!((found.aurc - (0.5 + 1.0 / 3.0 + 0.25 + 0.4) / 5.0).abs() < 1e-15, "{found:?}");
        assert!((found.aurc_perfect - (0.25 + 0.4) / 5.0).abs() < 1e-15, "{found:?}");
        // All five of five.
        assert_eq!(found.accuracy_of_surest, 0.6);
        // The order of the rows does not matter.
        assert_eq!(selective(&[0.5, 0.7, 0.9, 0.6, 0.8], &[false, true, true, true, false]), found);
    }

    #[test]
    fn ties_are_the_mean_over_their_orders() {
        // Right and wrong in either order: risks (0, 1/2) or (1, 1/2).
        let found = selective(&[0.5, 0.5], &[true, false]);
        assert!((found.aurc - 0.5).abs() < 1e-15);
        assert_eq!(found, selective(&[0.5, 0.5], &[false, true]));
        // A confidence that says nothing has the error rate for its area.
        let found = selective(&[0.3; 10], &[true, true, true, true, false, true, true, true, false, true]);
        assert!((found.aurc - 0.2).abs() < 1e-15 && (found.accuracy_of_surest - 0.8).abs() < 1e-15);
    }

    #[test]
    fn all_right_and_all_wrong() {
        assert_eq!(
            selective(&[1.0, 0.9], &[true; 2]),
            Selective { aurc: 0.0, aurc_perfect: 0.0, accuracy_of_surest: 1.0 }
        );
        assert_eq!(selective(&[1.0], &[false]), Selective { aurc: 1.0, aurc_perfect: 1.0, accuracy_of_surest: 0.0 });
    }
}
