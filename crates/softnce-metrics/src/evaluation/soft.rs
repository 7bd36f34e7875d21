//! Scores against label distributions, such as the votes of several people.

use ndarray::{ArrayView1, ArrayView2};
use serde::{Deserialize, Serialize};

use crate::error::MetricError;
use crate::overall::check_length;
use crate::scores::{RowScores, largest, shifted};

/// How far the sum of a soft label may be from 1. It counts as divided by its sum.
pub const SOFT_LABEL_TOLERANCE: f64 = 1e-4;

/// How far the posterior `p` is from the label distributions `w`, in nats, as means over the examples.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SoftLabelScores {
    /// Cross-entropy, `-sum_k w_k log p_k`.
    pub cross_entropy: f64,
    /// Kullback-Leibler divergence, `sum_k w_k log (w_k / p_k)`: 0 where the posterior is the label distribution.
    pub kl_divergence: f64,
    /// Entropy of the labels, `-sum_k w_k log w_k`: the cross-entropy of a perfect model.
    pub entropy: f64,
}

/// The sums behind them.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct SoftSums {
    cross_entropy: f64,
    kl_divergence: f64,
    entropy: f64,
}

impl SoftSums {
    /// Adds a row that [`check`] has let pass.
    pub(super) fn add(
        &mut self,
        logits: ArrayView1<'_, f32>,
        temperature: f64,
        scores: &RowScores,
        label: ArrayView1<'_, f32>,
    ) {
        let (largest, log_partition) = (largest(logits), scores.partition.ln());
        let total: f64 = label.iter().map(|&share| f64::from(share)).sum();
        let (mut cross_entropy, mut entropy) = (0.0, 0.0);
        // A share of 0 adds nothing, even where the probability underflows.
        for (&logit, &share) in logits.iter().zip(label).filter(|&(_, &share)| share > 0.0) {
            let share = f64::from(share) / total;
            cross_entropy += share * (log_partition - shifted(logit, largest, temperature));
            entropy -= share * share.ln();
        }
        self.cross_entropy += cross_entropy;
        self.entropy += entropy;
        // Never below 0, save for rounding.
        self.kl_divergence += (cross_entropy - entropy).max(0.0);
    }

    pub(super) fn finish(self, examples: usize, temperature: f64) -> Result<SoftLabelScores, MetricError> {
        if !self.cross_entropy.is_finite() {
            return Err(MetricError::TemperatureTooSmall { value: temperature });
        }
        let n = examples as f64;
        Ok(SoftLabelScores {
            cross_entropy: self.cross_entropy / n,
            kl_divergence: self.kl_divergence / n,
            entropy: self.entropy / n,
        })
    }
}

/// Rejects soft labels that are no distributions over the classes, or not one a row.
pub(super) fn check(soft_labels: ArrayView2<'_, f32>, rows: usize, classes: usize) -> Result<(), MetricError> {
    check_length("soft_labels", soft_labels.nrows(), rows)?;
    if soft_labels.ncols() != classes {
        let found = soft_labels.ncols();
        return Err(MetricError::ClassCount { argument: "soft_labels", found, expected: classes });
    }
    for (row, label) in soft_labels.rows().into_iter().enumerate() {
        if let Some((class, &value)) = label.iter().enumerate().find(|(_, share)| !(0.0..=1.0001).contains(*share)) {
            return Err(MetricError::SoftLabel { row, class, value });
        }
        let sum: f64 = label.iter().map(|&share| f64::from(share)).sum();
        if (sum - 1.0).abs() > SOFT_LABEL_TOLERANCE {
            return Err(MetricError::SoftLabelSum { row, sum, tolerance: SOFT_LABEL_TOLERANCE });
        }
    }
    Ok(())
}
