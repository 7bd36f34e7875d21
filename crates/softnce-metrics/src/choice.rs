//! The choice among epochs and among settings, such as learning rates, on the validation pictures.

use serde::{Deserialize, Serialize};

/// The score of a network on the validation pictures.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ValidationScore {
    /// Accuracy, in `[0, 1]`.
    pub top1: f64,
    /// Negative log likelihood, in nats.
    pub nll: f64,
}

impl ValidationScore {
    /// The mean over seeds; `None` without a score.
    pub fn mean(scores: &[ValidationScore]) -> Option<Self> {
        let mean = |of: fn(&ValidationScore) -> f64| scores.iter().map(of).sum::<f64>() / scores.len() as f64;
        (!scores.is_empty()).then(|| ValidationScore { top1: mean(|score| score.top1), nll: mean(|score| score.nll) })
    }

    /// Whether this is better: more accurate, or as accurate with a lower negative log likelihood.
    pub fn beats(&self, other: &ValidationScore) -> bool {
        (self.top1, -self.nll) > (other.top1, -other.nll)
    }
}

/// The setting with the highest accuracy; between equal accuracies the lower negative log likelihood decides, then the
/// lower setting. Accuracies are equal to within 1e-9: means of the same counts may differ by rounding. `None` without
/// candidates.
pub fn best_setting(candidates: impl IntoIterator<Item = (f64, ValidationScore)>) -> Option<f64> {
    let rank = |score: &ValidationScore| (score.top1 * 1e9).round();
    let best = candidates.into_iter().max_by(|(setting_a, a), (setting_b, b)| {
        rank(a).total_cmp(&rank(b)).then(b.nll.total_cmp(&a.nll)).then(setting_b.total_cmp(setting_a))
    });
    best.map(|(setting, _)| setting)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_is_the_most_accurate_then_the_likeliest_then_the_lowest() {
        let candidate = |setting: f64, tops: [f64; 3], nll: f64| {
            let scores = tops.map(|top1| ValidationScore { top1, nll });
            ValidationScore::mean(&scores).map(|score| (setting, score))
        };
        let best = |candidates: [Option<(f64, ValidationScore)>; 2]| best_setting(candidates.into_iter().flatten());
        assert_eq!(best([candidate(0.1, [0.5, 0.5, 0.6], 1.0), candidate(0.2, [0.6, 0.6, 0.6], 9.0)]), Some(0.2));
        // The same counts in another order: their sums differ in the last place.
        assert_eq!(best([candidate(0.1, [0.1, 0.2, 0.3], 2.0), candidate(0.2, [0.3, 0.2, 0.1], 1.0)]), Some(0.2));
        assert_eq!(best([candidate(0.2, [0.1; 3], 1.0), candidate(0.1, [0.1; 3], 1.0)]), Some(0.1));
        assert_eq!(best_setting([]), None);
        assert_eq!(ValidationScore::mean(&[]), None);
    }

    #[test]
    fn equal_scores_do_not_beat_each_other() {
        let score = |top1, nll| ValidationScore { top1, nll };
        assert!(score(0.6, 2.0).beats(&score(0.5, 1.0)) && score(0.5, 1.0).beats(&score(0.5, 2.0)));
        assert!(!score(0.5, 1.0).beats(&score(0.5, 1.0)));
    }
}
