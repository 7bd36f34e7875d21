//! What the study found: plain data.

use serde::{Deserialize, Serialize};
use softnce::LossKind;
use softnce_metrics::{ECE_EQUAL_WIDTH, Equivalence, Estimate, Metric, NLL, TOP1, equivalence, paired_difference};
use softnce_report::results::{Comparison, DivergedRun, REFERENCE_LOSS, RunRecord, Setting};

use super::plan::PicturesConfig;
use crate::StudyError;

/// All that the study found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PicturesResults {
    /// Version of the program.
    pub version: String,
    /// The command that runs it again.
    pub command: String,
    /// The settings.
    pub config: PicturesConfig,
    /// Set by set.
    pub sets: Vec<SetResults>,
}

/// One set of pictures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SetResults {
    /// Its name.
    pub name: String,
    /// Data and network.
    pub setting: Setting,
    /// Passes over the training pictures.
    pub epochs: usize,
    /// Learning rates tried for each loss.
    pub rates: Vec<f64>,
    /// The recipe in TOML; empty in files of older versions.
    #[serde(default)]
    pub recipe: String,
    /// Runs whose weights diverged.
    #[serde(default)]
    pub diverged: Vec<DivergedRun>,
    /// The losses.
    pub rows: Vec<LossRow>,
    /// The claims.
    pub claims: Vec<Claim>,
}

/// One loss on one set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LossRow {
    /// The loss.
    pub loss: LossKind,
    /// The learning rate chosen for it.
    pub learning_rate: f64,
    /// Seeds whose run finished.
    pub seeds: usize,
    /// Test accuracy, negative log likelihood, and calibration error over bins of equal width.
    pub values: Vec<Estimate>,
    /// The negative log likelihood after temperature scaling.
    pub scaled_nll: Option<Estimate>,
}

/// The metrics of [`LossRow::values`].
pub(crate) const SHOWN: [Metric; 3] = [TOP1, NLL, ECE_EQUAL_WIDTH];

/// A claim about test accuracy, tested over the seeds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Claim {
    /// The loss that soft target InfoNCE is compared with.
    pub other: LossKind,
    /// Difference in test accuracy, soft target InfoNCE minus the other, in percentage points, with its 95 % interval.
    pub difference: Estimate,
    /// The equivalence test, where the claim is that both are on par.
    pub equivalence: Option<Equivalence>,
    /// What the results say of it.
    pub verdict: Verdict,
}

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

impl Claim {
    /// The claim in words.
    pub fn words(&self) -> String {
        let other = self.other.title();
        if self.equivalence.is_some() { format!("on par with {other}") } else { format!("better than {other}") }
    }
}

impl Verdict {
    /// The verdict in a word.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

impl SetResults {
    /// From the comparison over its recipe.
    pub(crate) fn new(name: &str, comparison: &Comparison, margin: f64) -> Result<Self, StudyError> {
        let rows = comparison.summaries.iter().map(|summary| {
            let none = Estimate { mean: f64::NAN, half_width: None };
            let scaled = summary.scaled.as_ref();
            LossRow {
                loss: summary.loss,
                learning_rate: summary.learning_rate,
                seeds: summary.seeds,
                values: SHOWN.map(|metric| summary.metric(metric).map_or(none, |found| found.value)).to_vec(),
                scaled_nll: scaled.and_then(|scaled| scaled.metric(NLL)).map(|found| found.value),
            }
        });
        let claims = [REFERENCE_LOSS, LossKind::Nll, LossKind::InfoNce];
        let claims = claims.into_iter().filter_map(|other| claim(&comparison.runs, other, margin).transpose());
        Ok(SetResults {
            name: name.to_owned(),
            setting: comparison.setting.clone(),
            epochs: comparison.plan.epochs,
            rates: comparison.plan.learning_rates.clone(),
            recipe: comparison.recipe.clone(),
            diverged: comparison.diverged.clone(),
            rows: rows.collect(),
            claims: claims.collect::<Result<Vec<Claim>, StudyError>>()?,
        })
    }
}

/// Soft target InfoNCE against another loss over the seeds that both finished; none with fewer than two.
fn claim(runs: &[RunRecord], other: LossKind, margin: f64) -> Result<Option<Claim>, StudyError> {
    let accuracy = |loss: LossKind, seed: u64| {
        let run = runs.iter().find(|run| run.loss == loss && run.seed == seed);
        run.and_then(|run| run.test.get(TOP1)).map(|top1| 100.0 * top1)
    };
    let seeds = runs.iter().filter(|run| run.loss == other).map(|run| run.seed);
    let pairs = seeds.filter_map(|seed| Some((accuracy(LossKind::SoftTargetInfoNce, seed)?, accuracy(other, seed)?)));
    let (own, others): (Vec<f64>, Vec<f64>) = pairs.unzip();
    if own.len() < 2 { Ok(None) } else { decide(other, &own, &others, margin).map(Some) }
}

/// The claim about another loss, from the accuracies of both in percent, seed by seed.
fn decide(other: LossKind, own: &[f64], others: &[f64], margin: f64) -> Result<Claim, StudyError> {
    let difference = paired_difference(own, others)?;
    let equivalence = (other == REFERENCE_LOSS).then(|| equivalence(own, others, margin)).transpose()?;
    let verdict = match equivalence {
        Some(test) if test.is_shown() => Verdict::Shown,
        // Not on par: the whole interval lies beyond the margin, on either side.
        Some(_) if difference.interval().is_some_and(|[from, to]| from > margin || to < -margin) => {
            Verdict::Contradicted
        }
        None if difference.excludes_zero() && difference.mean > 0.0 => Verdict::Shown,
        None if difference.excludes_zero() => Verdict::Contradicted,
        _ => Verdict::Open,
    };
    Ok(Claim { other, difference, equivalence, verdict })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn verdicts_follow_the_intervals() {
        let base = [90.0, 90.2, 89.9, 90.1, 90.0];
        let moved = |by: f64| -> Vec<f64> {
            base.iter().zip([0.05, -0.05, 0.02, 0.0, -0.02]).map(|(base, noise)| base + by + noise).collect()
        };
        let verdict = |other: LossKind, by: f64| decide(other, &moved(by), &base, 0.5).unwrap().verdict;
        for (by, on_par) in [
            (0.0, Verdict::Shown),
            (-0.4, Verdict::Shown),
            (-0.5, Verdict::Open),
            (-0.6, Verdict::Contradicted),
            (0.6, Verdict::Contradicted),
        ] {
            assert_eq!(verdict(REFERENCE_LOSS, by), on_par, "{by}");
        }
        for (by, better) in [(0.4, Verdict::Shown), (0.0, Verdict::Open), (-0.4, Verdict::Contradicted)] {
            assert_eq!(verdict(LossKind::Nll, by), better, "{by}");
        }
        assert!(decide(LossKind::Nll, &moved(0.0), &base, 0.5).unwrap().equivalence.is_none());
    }
}
