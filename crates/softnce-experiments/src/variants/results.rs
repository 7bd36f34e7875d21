//! What the study found: plain data.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use softnce_metrics::{Estimate, mean_interval, paired_difference};
use softnce_report::number::{fixed, is_zero};
use softnce_train::runs::Summary;

use super::plan::{Group, Variant, VariantsConfig};
use super::trial::Found;
use crate::StudyError;
use crate::measure::Measure;

/// All that the study found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VariantsResults {
    /// Version of the program.
    pub version: String,
    /// The name of the study.
    pub study: String,
    /// The command that runs it again.
    pub command: String,
    /// The settings.
    pub config: VariantsConfig,
    /// Group by group.
    pub groups: Vec<GroupResults>,
}

/// One group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupResults {
    /// Training, validation and test pictures of the first variant.
    pub pictures: [usize; 3],
    /// Trainable parameters of its network.
    pub parameters: usize,
    /// The variants, in their order.
    pub rows: Vec<Row>,
}

/// One variant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// Mean and interval of what was measured, over the seeds that did not diverge.
    pub values: BTreeMap<Measure, Estimate>,
    /// The difference to the variant it is paired with, over the seeds that both finished.
    pub differences: BTreeMap<Measure, Estimate>,
    /// Seed by seed.
    pub runs: Vec<Found>,
}

/// A training with its place in the plan.
pub(super) struct Trained<'a> {
    pub(super) group: &'a str,
    pub(super) variant: &'a str,
    pub(super) found: Found,
}

impl VariantsResults {
    /// Puts the trainings together.
    pub(super) fn new(
        config: VariantsConfig,
        command: String,
        study: &str,
        trained: &[Trained<'_>],
        sizes: &[Summary],
    ) -> Result<Self, StudyError> {
        let groups = config.groups.iter().zip(sizes).map(|(group, sizes)| {
            let own: Vec<&Trained<'_>> = trained.iter().filter(|trial| trial.group == group.name).collect();
            let rows = group.variants.iter().map(|variant| row(group, variant, &own));
            let (pictures, parameters) = (sizes.pictures, sizes.parameters);
            Ok(GroupResults { pictures, parameters, rows: rows.collect::<Result<Vec<Row>, StudyError>>()? })
        });
        let groups = groups.collect::<Result<Vec<_>, StudyError>>()?;
        let version = env!("CARGO_PKG_VERSION").to_owned();
        Ok(VariantsResults { version, study: study.to_owned(), command, config, groups })
    }

    /// The groups with their plans.
    pub fn groups(&self) -> impl Iterator<Item = (&Group, &GroupResults)> {
        self.config.groups.iter().zip(&self.groups)
    }
}

impl Row {
    /// Seeds whose weights diverged.
    pub fn diverged(&self) -> usize {
        self.runs.iter().filter(|run| run.diverged.is_some()).count()
    }

    /// Whether the difference in a measure has an interval that excludes zero, and is more than 0 as it is shown.
    pub(super) fn is_clear(&self, measure: Measure) -> bool {
        let is_shown = |mean: f64| !is_zero(&fixed(mean.abs(), measure.decimals()));
        self.differences
            .get(&measure)
            .is_some_and(|&difference| difference.excludes_zero() && is_shown(difference.mean))
    }
}

fn row(group: &Group, variant: &Variant, trained: &[&Trained<'_>]) -> Result<Row, StudyError> {
    let runs_of = |name: &str| -> Vec<Found> {
        trained.iter().filter(|trial| trial.variant == name).map(|trial| trial.found.clone()).collect()
    };
    let runs = runs_of(&variant.name);
    let others = variant.against.as_deref().map(runs_of).unwrap_or_default();
    let (mut values, mut differences) = (BTreeMap::new(), BTreeMap::new());
    for &measure in &group.measures {
        let all: Vec<f64> = runs.iter().filter_map(|run| run.values.get(&measure).copied()).collect();
        if !all.is_empty() {
            values.insert(measure, mean_interval(&all)?);
        }
        let pairs = runs.iter().filter_map(|run| {
            let other = others.iter().find(|other| other.seed == run.seed)?;
            Some((*run.values.get(&measure)?, *other.values.get(&measure)?))
        });
        let (own, others): (Vec<f64>, Vec<f64>) = pairs.unzip();
        if !own.is_empty() && !measure.is_reference() {
            differences.insert(measure, paired_difference(&own, &others)?);
        }
    }
    Ok(Row { name: variant.name.clone(), values, differences, runs })
}
