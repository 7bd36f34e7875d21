//! Proper scores of one prediction: negative log likelihood and Brier score.

use ndarray::ArrayView1;

/// The scores of one row of logits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct RowScores {
    /// `-log p(label)`, in nats.
    pub nll: f64,
    /// `sum_k (p_k - [k = label])^2`, in `[0, 2]` (Brier 1950).
    pub brier: f64,
    /// `max_k p_k`, in `(0, 1]`.
    pub confidence: f64,
    /// `sum_k exp((z_k - max_k z_k) / temperature)`, at least 1.
    pub partition: f64,
}

/// Scores the posterior `p = softmax(logits / temperature)` (`logits` of shape `[classes]`) against class `label`, and
/// leaves it in `posterior`.
///
/// All in `f64`, from the differences to the largest logit, so that nothing overflows and the likelihood stays finite
/// where the probability itself underflows to 0. The logits must be finite, `temperature > 0`, and
/// `label < logits.len()`; the callers have checked that.
pub(crate) fn score_row(
    logits: ArrayView1<'_, f32>,
    temperature: f64,
    label: usize,
    posterior: &mut Vec<f64>,
) -> RowScores {
    let largest = largest(logits);
    let shifted = |logit: f32| shifted(logit, largest, temperature);
    posterior.clear();
    posterior.extend(logits.iter().map(|&logit| shifted(logit).exp()));
    let partition: f64 = posterior.iter().sum();

    let mut scores =
        RowScores { nll: partition.ln() - shifted(logits[label]), brier: 0.0, confidence: 1.0 / partition, partition };
    for (class, probability) in posterior.iter_mut().enumerate() {
        *probability /= partition;
        let target = if class == label { 1.0 } else { 0.0 };
        scores.brier += (*probability - target).powi(2);
    }
    scores
}

/// The largest logit.
pub(crate) fn largest(logits: ArrayView1<'_, f32>) -> f64 {
    logits.iter().fold(f64::NEG_INFINITY, |largest, &logit| largest.max(f64::from(logit)))
}

/// The logit less the largest one, divided by the temperature: at most 0. Subtracting comes first: the quotients alone
/// may be infinite, and infinity less infinity is NaN.
pub(crate) fn shifted(logit: f32, largest: f64, temperature: f64) -> f64 {
    (f64::from(logit) - largest) / temperature
}

#[cfg(test)]
mod tests {
    use ndarray::aview1;

    use super::*;

    fn score_row(logits: ArrayView1<'_, f32>, temperature: f64, label: usize) -> RowScores {
        let mut posterior = vec![7.0];
        let scores = super::score_row(logits, temperature, label, &mut posterior);
        assert_eq!(posterior.len(), logits.len());
        close(posterior.iter().sum(), 1.0);
        close(posterior.iter().copied().fold(0.0, f64::max), scores.confidence);
        scores
    }

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
        assert_eq!(wrong, RowScores { nll: 2e8, brier: 2.0, confidence: 1.0, partition: 1.0 });
        let right = score_row(aview1(&[1e8, -1e8]), 1.0, 0);
        assert_eq!(right, RowScores { nll: 0.0, brier: 0.0, confidence: 1.0, partition: 1.0 });
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
        assert_eq!(
            score_row(aview1(&[-3.0]), 1.0, 0),
            RowScores { nll: 0.0, brier: 0.0, confidence: 1.0, partition: 1.0 }
        );
    }
}
