//! What the study found: plain data.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use softnce_classes::results::{Evaluation, RunResults};
use softnce_metrics::{Estimate, mean_interval};

use super::measure::ClassesMeasure;
use super::plan::{ClassesConfig, Group};
use crate::StudyError;

/// All that the study found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassesResults {
    /// Version of the program.
    pub version: String,
    /// The command that runs it again.
    pub command: String,
    /// The settings.
    pub config: ClassesConfig,
    /// Group by group.
    pub groups: Vec<GroupResults>,
}

/// One group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupResults {
    /// Sizes of the first variant's data.
    pub sizes: Sizes,
    /// The variants, in their order.
    pub rows: Vec<Row>,
}

/// Sizes of the data of a training.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sizes {
    /// Rows to learn from.
    pub train: usize,
    /// Rows that the evaluations take.
    pub test: usize,
    /// Number of classes.
    pub classes: usize,
    /// Number of features.
    pub features: usize,
}

/// One variant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// Mean and interval over the seeds at the end of training.
    pub values: BTreeMap<ClassesMeasure, Estimate>,
    /// Seed by seed.
    pub runs: Vec<Found>,
}

/// The result of a training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// Its seed.
    pub seed: u64,
    /// The sizes of its data.
    pub sizes: Sizes,
    /// What its run warned of.
    pub warnings: Vec<String>,
    /// The evaluations, in the order of the steps.
    pub history: Vec<Evaluation>,
}

impl Found {
    pub(super) fn new(results: RunResults) -> Self {
        let test = results.history.last().map_or(0, |last| last.ranking.examples);
        let RunResults { train_rows: train, classes, features, .. } = results;
        let sizes = Sizes { train, test, classes, features };
        Found { seed: results.recipe.seed, sizes, warnings: results.warnings, history: results.history }
    }

    /// What was measured at the end.
    pub(super) fn last(&self, measure: ClassesMeasure) -> Option<f64> {
        measure.of(self.history.last()?)
    }
}

/// A training with its place in the plan.
pub(super) struct Trained<'a> {
    pub(super) group: &'a str,
    pub(super) variant: &'a str,
    pub(super) found: Found,
}

impl ClassesResults {
    /// Puts the trainings together.
    pub(super) fn new(config: ClassesConfig, command: String, trained: &[Trained<'_>]) -> Result<Self, StudyError> {
        let groups = config.groups.iter().map(|group| group_results(group, trained));
        let groups = groups.collect::<Result<Vec<_>, StudyError>>()?;
        Ok(ClassesResults { version: env!("CARGO_PKG_VERSION").to_owned(), command, config, groups })
    }

    /// The groups with their plans.
    pub fn groups(&self) -> impl Iterator<Item = (&Group, &GroupResults)> {
        self.config.groups.iter().zip(&self.groups)
    }
}

fn group_results(group: &Group, trained: &[Trained<'_>]) -> Result<GroupResults, StudyError> {
    let mut rows = Vec::with_capacity(group.variants.len());
    for variant in &group.variants {
        let own = trained.iter().filter(|trial| trial.group == group.name && trial.variant == variant.name);
        let runs: Vec<Found> = own.map(|trial| trial.found.clone()).collect();
        let mut values = BTreeMap::new();
        for measure in ClassesMeasure::ALL {
            let all: Vec<f64> = runs.iter().filter_map(|run| run.last(measure)).collect();
            // A mean over some of the seeds would be that of other runs.
            if !all.is_empty() && all.len() == runs.len() {
                values.insert(measure, mean_interval(&all)?);
            }
        }
        rows.push(Row { name: variant.name.clone(), values, runs });
    }
    let first = rows.iter().find_map(|row| row.runs.first());
    let sizes = first.map_or(Sizes { train: 0, test: 0, classes: 0, features: 0 }, |found| found.sizes);
    Ok(GroupResults { sizes, rows })
}
