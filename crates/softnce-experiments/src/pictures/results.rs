//! What the study found: plain data.

use serde::{Deserialize, Serialize};
use softnce::LossKind;
use softnce_metrics::{ECE_EQUAL_WIDTH, Equivalence, Estimate, Metric, NLL, TOP1, equivalence, paired_difference};
use softnce_report::results::{Comparison, DivergedRun, REFERENCE_LOSS, RunRecord, Setting};

use super::plan::PicturesConfig;
use crate::StudyError;
use crate::verdict::Verdict;

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

impl Claim {
    /// The claim in words.
    pub fn words(&self) -> String {
        let other = self.other.title();
        if self.equivalence.is_some() { format!("on par with {other}") } else { format!("better than {other}") }
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
    if own.len() < 2 {
        return Ok(None);
    }
    let difference = paired_difference(&own, &others)?;
    let equivalence = (other == REFERENCE_LOSS).then(|| equivalence(&own, &others, margin)).transpose()?;
    let verdict = match &equivalence {
        Some(test) => Verdict::on_par(test, &difference),
        None => Verdict::better(&difference),
    };
    Ok(Some(Claim { other, difference, equivalence, verdict }))
}
