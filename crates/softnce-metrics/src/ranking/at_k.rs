//! The ranking metrics at each k.

use serde::{Deserialize, Serialize};

use super::groups::RankingGroups;

/// Ranking metrics of a set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RankingResult {
    /// Number of rows.
    pub examples: usize,
    /// Rows without a label of a relevance above 0. They count in every mean, with 0.
    pub unlabelled: usize,
    /// The metrics at each k, in the order asked for.
    pub at: Vec<RankingAt>,
}

/// Ranking metrics at one k, as means over all rows. `y` is the relevance of a class for a row.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RankingAt {
    /// How many places of each list count.
    pub k: usize,
    /// `sum_(first k places) y / k`, in `[0, 1]`.
    pub precision: f64,
    /// `sum_(first k places) y / sum_(all classes) y`, in `[0, 1]`. For a distribution: the mass that the list holds.
    pub recall: f64,
    /// `sum_(places i <= k) y / log2(i + 1)`, divided by the largest value that a list could have, in `[0, 1]`
    /// (Järvelin and Kekäläinen 2002, with linear gain).
    pub ndcg: f64,
    /// `sum_(first k places) y / p` with the propensity p of the class, summed over the rows and divided by the largest
    /// sum that lists could have, in `[0, 1]`, as the extreme classification repository reports it. None without
    /// training counts, or without any label.
    pub propensity_scored_precision: Option<f64>,
    /// The classes by their frequency in the training set; none without training counts.
    pub groups: Option<RankingGroups>,
}

/// The sums behind them, at one k.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct AtSums {
    pub precision: f64,
    pub recall: f64,
    pub ndcg: f64,
    pub scored: f64,
    /// The largest `scored` that lists could have.
    pub best_scored: f64,
}

impl AtSums {
    /// The means over `examples` rows, of which there is at least one.
    pub(super) fn finish(&self, k: usize, examples: usize, groups: Option<RankingGroups>) -> RankingAt {
        let n = examples as f64;
        RankingAt {
            k,
            precision: self.precision / n,
            recall: self.recall / n,
            ndcg: self.ndcg / n,
            propensity_scored_precision: (self.best_scored > 0.0).then(|| self.scored / self.best_scored),
            groups,
        }
    }
}
