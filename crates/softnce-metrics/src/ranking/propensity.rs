//! How likely a label of a class is to be seen, from the class's frequency in the training set.

use crate::error::MetricError;

/// How often each class occurs in the training set, with the constants of the propensity model.
///
/// The propensity of a class with count n among N examples is `p = 1 / (1 + C exp(-A log(n + B)))`,
/// `C = (log N - 1) (B + 1)^A` (Jain, Prabhu and Varma 2016, "Extreme Multi-label Loss Functions for Recommendation,
/// Tagging, Ranking & Other Missing Label Applications").
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrainingCounts<'c> {
    counts: &'c [u64],
    a: f64,
    b: f64,
    c: f64,
}

impl<'c> TrainingCounts<'c> {
    /// Counts of the classes (length: classes) in a training set of so many examples, with A = 0.55 and B = 1.5, the
    /// values of most sets.
    ///
    /// # Errors
    /// Fewer than 3 examples, for which the model gives no probability.
    pub fn new(counts: &'c [u64], examples: u64) -> Result<Self, MetricError> {
        TrainingCounts::with_constants(counts, examples, 0.55, 1.5)
    }

    /// The same with other constants. The extreme classification repository takes A = 0.5, B = 0.4 for sets from
    /// Wikipedia, and A = 0.6, B = 2.6 for sets from Amazon.
    ///
    /// # Errors
    /// As [`new`](Self::new); constants that are not finite numbers >= 0.
    pub fn with_constants(counts: &'c [u64], examples: u64, a: f64, b: f64) -> Result<Self, MetricError> {
        if examples < 3 {
            return Err(MetricError::Setting { argument: "examples", value: examples as f64, expected: "at least 3" });
        }
        for (argument, value) in [("a", a), ("b", b)] {
            if !(value.is_finite() && value >= 0.0) {
                return Err(MetricError::Setting { argument, value, expected: "a finite number >= 0" });
            }
        }
        // With B = 0, a class without examples would have propensity 0.
        if b == 0.0 {
            return Err(MetricError::Setting { argument: "b", value: b, expected: "a number > 0" });
        }
        Ok(TrainingCounts { counts, a, b, c: ((examples as f64).ln() - 1.0) * (b + 1.0).powf(a) })
    }

    /// The count of each class.
    pub fn counts(&self) -> &'c [u64] {
        self.counts
    }

    /// `1 / p` of a class with this count, at least 1.
    pub fn inverse_propensity(&self, count: u64) -> f64 {
        1.0 + self.c * (count as f64 + self.b).powf(-self.a)
    }
}
