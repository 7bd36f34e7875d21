//! What results say of a claim about test accuracy.

use serde::{Deserialize, Serialize};
use softnce_metrics::{Equivalence, Estimate};
use softnce_report::number::fixed;

/// What the results say of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Verdict {
    /// They support it.
    Shown,
    /// They neither support nor contradict it.
    Open,
    /// They contradict it.
    Contradicted,
}

impl Verdict {
    /// The verdict in a word.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// For the claim "on par": the equivalence test shows it; an interval that lies beyond the margin, on either side,
    /// contradicts it.
    pub(crate) fn on_par(test: &Equivalence, difference: &Estimate) -> Verdict {
        let beyond = difference.interval().is_some_and(|[from, to]| from > test.margin || to < -test.margin);
        match (test.is_shown(), beyond) {
            (true, _) => Verdict::Shown,
            (false, true) => Verdict::Contradicted,
            (false, false) => Verdict::Open,
        }
    }

    /// For the claim "better": an interval above zero shows it, one below zero contradicts it.
    pub(crate) fn better(difference: &Estimate) -> Verdict {
        match difference.excludes_zero() {
            true if difference.mean > 0.0 => Verdict::Shown,
            true => Verdict::Contradicted,
            false => Verdict::Open,
        }
    }
}

/// The p-value of a test in words: `p = 0.012`, `p < 0.001`.
pub(crate) fn p_value(value: f64) -> String {
    if value < 0.001 { "p < 0.001".to_owned() } else { format!("p = {}", fixed(value, 3)) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use softnce_metrics::{equivalence, paired_difference};

    use super::*;

    #[test]
    fn verdicts_follow_the_intervals() {
        let base = [90.0, 90.2, 89.9, 90.1, 90.0];
        let moved = |by: f64| -> Vec<f64> {
            base.iter().zip([0.05, -0.05, 0.02, 0.0, -0.02]).map(|(base, noise)| base + by + noise).collect()
        };
        for (by, on_par) in [
            (0.0, Verdict::Shown),
            (-0.4, Verdict::Shown),
            (-0.5, Verdict::Open),
            (-0.6, Verdict::Contradicted),
            (0.6, Verdict::Contradicted),
        ] {
            let test = equivalence(&moved(by), &base, 0.5).unwrap();
            assert_eq!(Verdict::on_par(&test, &paired_difference(&moved(by), &base).unwrap()), on_par, "{by}");
        }
        for (by, better) in [(0.4, Verdict::Shown), (0.0, Verdict::Open), (-0.4, Verdict::Contradicted)] {
            assert_eq!(Verdict::better(&paired_difference(&moved(by), &base).unwrap()), better, "{by}");
        }
    }
}
