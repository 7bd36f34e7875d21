//! What the study found: plain data.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use softnce::LossKind;
use softnce_metrics::{Equivalence, Estimate, equivalence, mean_interval, paired_difference};

use super::plan::{FeaturesConfig, Head, Method};
use crate::StudyError;
use crate::measure::Measure;

/// What the tables show.
pub(crate) const SHOWN: [Measure; 5] =
    [Measure::TOP1, Measure::NLL, Measure::SCALED_NLL, Measure::ECE, Measure::SCALED_ECE];

/// All that the study found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FeaturesResults {
    /// Version of the program.
    pub version: String,
    /// The command that runs it again.
    pub command: String,
    /// The settings.
    pub config: FeaturesConfig,
    /// Set by set, and network by network.
    pub tasks: Vec<TaskResults>,
}

/// One network on the features of one set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskResults {
    /// Name of the set.
    pub task: String,
    /// The network.
    pub head: Head,
    /// Rows to train on, to validate on and to test on.
    pub rows: [usize; 3],
    /// The losses.
    pub methods: Vec<MethodResults>,
    /// The claims.
    pub claims: Vec<Claim>,
}

/// One tuned loss.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MethodResults {
    /// The loss.
    pub method: Method,
    /// The settings that were chosen, in words.
    pub settings: String,
    /// Settings of which a neighbour of the chosen value was not tried.
    pub open: Vec<String>,
    /// Validation accuracy of the chosen trial, in `[0, 1]`.
    pub validation: f64,
    /// What was measured, over the seeds.
    pub values: BTreeMap<Measure, Estimate>,
    /// Seed by seed; nothing for a seed whose training diverged.
    pub runs: Vec<BTreeMap<Measure, f64>>,
}

/// A claim about soft target InfoNCE against another loss, in one measure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Claim {
    /// The other loss.
    pub other: LossKind,
    /// The measure.
    pub measure: Measure,
    /// Soft target InfoNCE minus the other, with its 95 % interval.
    pub difference: Estimate,
    /// Equivalence tests at the margins of the study, in accuracy against soft target cross-entropy.
    pub equivalence: Vec<Equivalence>,
}

/// A loss with what its trainings found.
pub(super) struct MethodRuns {
    pub(super) method: Method,
    pub(super) settings: String,
    pub(super) open: Vec<String>,
    pub(super) validation: f64,
    pub(super) runs: Vec<BTreeMap<Measure, f64>>,
}

impl TaskResults {
    pub(super) fn new(
        task: &str,
        head: Head,
        rows: [usize; 3],
        methods: Vec<MethodRuns>,
        margins: &[f64],
    ) -> Result<Self, StudyError> {
        let mut claims = Vec::new();
        let subject = &methods[0];
        for other in &methods[1..] {
            for measure in SHOWN {
                claims.extend(claim(subject, other, measure, margins)?);
            }
        }
        let summarised = methods.into_iter().map(|found| {
            let value = |measure: Measure| {
                let values: Vec<f64> = found.runs.iter().filter_map(|run| run.get(&measure).copied()).collect();
                Some((measure, mean_interval(&values).ok()?))
            };
            let values = Measure::all().into_iter().filter_map(value).collect();
            let MethodRuns { method, settings, open, validation, runs } = found;
            MethodResults { method, settings, open, validation, values, runs }
        });
        Ok(TaskResults { task: task.to_owned(), head, rows, methods: summarised.collect(), claims })
    }
}

/// Over the seeds that both finished; none with fewer than two.
fn claim(own: &MethodRuns, other: &MethodRuns, measure: Measure, margins: &[f64]) -> Result<Option<Claim>, StudyError> {
    let pairs = own.runs.iter().zip(&other.runs);
    let pairs = pairs.filter_map(|(own, other)| Some((*own.get(&measure)?, *other.get(&measure)?)));
    let (ours, theirs): (Vec<f64>, Vec<f64>) = pairs.unzip();
    if ours.len() < 2 {
        return Ok(None);
    }
    let difference = paired_difference(&ours, &theirs)?;
    let is_tested = measure == Measure::TOP1 && other.method.0 == LossKind::SoftTargetCrossEntropy;
    let tests = margins.iter().filter(|_| is_tested).map(|&margin| equivalence(&ours, &theirs, margin));
    let equivalence = tests.collect::<Result<_, _>>()?;
    Ok(Some(Claim { other: other.method.0, measure, difference, equivalence }))
}
