//! Proper scores of one prediction: negative log likelihood and Brier score.

use ndarray::ArrayView1;

/// The scores of one row of logits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct RowScores {
    /// `-log p(label)`, in nats.
    pub nll: f64,
    /// `sum_k (p_k - [k = label])^2`, in `[0, 2]` (Brier 1950).
    pub brier: f64,
    /// `max_k p_k`, in `(0, 1]`.
    pub confidence: f64,
}

/// Scores the posterior `p = softmax(logits / temperature)` (`logits` of shape: classes) against class `label`.
///
/// All in `f64`, from the differences to the largest logit, so that nothing overflows and the likelihood stays finite
/// where the probability itself underflows to 0. The logits must be finite, `temperature > 0`, and
/// `label < logits.len()`; [`super::evaluate`] has checked that.
pub(super) fn score_row(logits: ArrayView1<'_, f32>, temperature: f64, label: usize) -> RowScores {
    let largest = logits.iter().fold(f64::NEG_INFINITY, |largest, &logit| largest.max(f64::from(logit)));
    // Subtracting first: logit / temperature alone may be infinite, and infinity - infinity is NaN.
    let shifted = |logit: f32| (f64::from(logit) - largest) / temperature;
    let partition: f64 = logits.iter().map(|&logit| shifted(logit).exp()).sum();

    let mut scores = RowScores { nll: 0.0, brier: 0.0, confidence: 1.0 / partition };
    for (class, &logit) in logits.iter().enumerate() {
        let probability = shifted(logit).exp() / partition;
        let target = if class == label { 1.0 } else { 0.0 };
        scores.brier += (probability - target).powi(2);
        if class == label {
            scores.nll = partition.ln() - shifted(logit);
        }
    }
    scores
}

#[cfg(test)]
mod tests {
    use ndarray::aview1;

    use super::*;

    fn close(value: f64, expected: f64) {
        assert!((value - expected).abs() <= 1e-12 * expected.abs().max(1.0), "{value} is not {expected}");
    }

    #[test]
    fn matches_values_worked_by_hand() {
        // z = np.array([2., 1., 0.]); p = np.exp(z) / np.exp(z).sum()
        // -> [0.66524096, 0.24472847, 0.09003057]
        let scores = score_row(aview1(&[2.0, 1.0, 0.0]), 1.0, 1);
        // -np.log(p[1]) = log(e^2 + e + 1) - 1
        close(scores.nll, 1.407_605_964_444_380_4);
        // ((p - np.eye(3)[1]) ** 2).sum()
        close(scores.brier, 1.021_086_115_780_809_3);
        // p.max()
        close(scores.confidence, 0.665_240_955_774_821_9);
    }

    #[test]
    fn temperature_divides_the_logits() {
        let warm = score_row(aview1(&[2.0, 1.0, 0.0]), 0.5, 2);
        let scaled = score_row(aview1(&[4.0, 2.0, 0.0]), 1.0, 2);
        close(warm.nll, scaled.nll);
        close(warm.brier, scaled.brier);
        close(warm.confidence, scaled.confidence);
    }

    #[test]
    fn likelihood_survives_underflow() {
        // scipy.special.log_softmax([1e8, -1e8])[1] = -2e8; the probability is 0.0
        let wrong = score_row(aview1(&[1e8, -1e8]), 1.0, 1);
        assert_eq!(wrong, RowScores { nll: 2e8, brier: 2.0, confidence: 1.0 });
        let right = score_row(aview1(&[1e8, -1e8]), 1.0, 0);
        assert_eq!(right, RowScores { nll: 0.0, brier: 0.0, confidence: 1.0 });
        assert!(right.nll.is_sign_positive());
    }

    #[test]
    fn equal_logits_give_the_uniform_posterior() {
        // -np.log(1 / 4); 3 * (1 / 4) ** 2 + (3 / 4) ** 2
        let scores = score_row(aview1(&[7.0; 4]), 0.1, 3);
        close(scores.nll, 4f64.ln());
        close(scores.brier, 0.75);
        close(scores.confidence, 0.25);
    }

    #[test]
    fn one_class_is_certain() {
        assert_eq!(score_row(aview1(&[-3.0]), 1.0, 0), RowScores { nll: 0.0, brier: 0.0, confidence: 1.0 });
    }
}
