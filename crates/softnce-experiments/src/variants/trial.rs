//! One training: from its recipe to what is measured of it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use serde::{Deserialize, Serialize};
use softnce_metrics::MetricError;
use softnce_train::device::DeviceName;
use softnce_train::recipe::Recipe;
use softnce_train::runs::{Outcome, Run, RunData, RunError, TrainedRun};

use crate::StudyError;
use crate::measure::Measure;

/// The result of a training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// Its seed.
    pub seed: u64,
    /// What was measured; empty where the weights diverged.
    pub values: BTreeMap<Measure, f64>,
    /// Why there is nothing, where the weights diverged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diverged: Option<String>,
}

/// What a training needs beside its recipe.
#[derive(Clone, Copy)]
pub(super) struct TrainingContext<'a> {
    pub(super) data: &'a RunData,
    pub(super) data_folder: &'a Path,
    pub(super) device: DeviceName,
    /// Folder of the run, while it goes on.
    pub(super) folder: &'a Path,
    /// Whether to evaluate with the class frequencies divided out, too.
    pub(super) adjusted: bool,
    /// Set once the budget is spent, or another training has failed.
    pub(super) stop: &'a AtomicBool,
}

/// Trains and evaluates. `None` if it was stopped; the next call continues from there.
pub(super) fn train(recipe: Recipe, context: TrainingContext<'_>) -> Result<Option<Found>, StudyError> {
    let seed = recipe.seed;
    let found = match measured(recipe, context) {
        Ok(None) => return Ok(None),
        Ok(Some(values)) => Found { seed, values, diverged: None },
        Err(error) if error.is_divergence() => {
            Found { seed, values: BTreeMap::new(), diverged: Some(error.to_string()) }
        }
        Err(error) => return Err(error.into()),
    };
    Ok(Some(found))
}

fn measured(recipe: Recipe, context: TrainingContext<'_>) -> Result<Option<BTreeMap<Measure, f64>>, RunError> {
    let TrainingContext { data, data_folder, device, folder, adjusted, stop } = context;
    let mut run = Run::with_data(recipe, data.clone(), data_folder, device, folder)?;
    let Outcome::Finished(report) = run.train(stop, &())? else { return Ok(None) };
    let mut found = Measure::all_of(&report);
    if adjusted {
        let Some(value) = balanced_adjusted(context)? else { return Ok(None) };
        found.insert(Measure::BalancedAdjusted, value);
    }
    Ok(Some(found))
}

/// Balanced accuracy, in %, with the class frequencies divided out of the posterior; `None` if it was stopped.
fn balanced_adjusted(context: TrainingContext<'_>) -> Result<Option<f64>, RunError> {
    let (data, trained) = (context.data, TrainedRun::open(context.folder, context.device)?);
    let labels = data.test.pictures.labels();
    let mut hits = Hits::new(&data.class_counts);
    let whole = trained.predict(&data.test, trained.temperature(), context.stop, |index, scores| {
        let scores = scores.map_err(|reason| RunError::Report {
            reason: format!("{}: {reason}", data.test.pictures.describe(index)),
        })?;
        hits.add(labels[index], scores.posterior);
        Ok(())
    })?;
    match hits.balanced() {
        _ if !whole => Ok(None),
        Some(share) => Ok(Some(100.0 * share)),
        None => Err(MetricError::Empty { argument: "labels", expected: "test picture" }.into()),
    }
}

/// Right predictions class by class, once the frequencies are divided out.
struct Hits {
    log_counts: Vec<f64>,
    right: Vec<usize>,
    all: Vec<usize>,
}

impl Hits {
    fn new(counts: &[u64]) -> Self {
        let log_counts = counts.iter().map(|&count| (count.max(1) as f64).ln()).collect();
        Hits { log_counts, right: vec![0; counts.len()], all: vec![0; counts.len()] }
    }

    fn add(&mut self, label: usize, posterior: &[f64]) {
        let score = |class: usize| posterior[class].ln() - self.log_counts[class];
        let own = score(label);
        // A tie counts as wrong, as everywhere.
        let right = (0..posterior.len()).all(|class| class == label || score(class) < own);
        self.all[label] += 1;
        self.right[label] += usize::from(right);
    }

    /// Mean over the classes that have an example.
    fn balanced(&self) -> Option<f64> {
        let shares = self.right.iter().zip(&self.all).filter(|(_, all)| **all > 0);
        let shares: Vec<f64> = shares.map(|(&right, &all)| right as f64 / all as f64).collect();
        (!shares.is_empty()).then(|| shares.iter().sum::<f64>() / shares.len() as f64)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn frequencies_are_divided_out() {
        let mut hits = Hits::new(&[90, 10, 0]);
        // 0.8 / 90 against 0.2 / 10: the rare class wins.
        hits.add(1, &[0.8, 0.2, 0.0]);
        hits.add(0, &[0.8, 0.2, 0.0]);
        hits.add(0, &[0.95, 0.05, 0.0]);
        // A class without a picture counts as if it had one.
        hits.add(2, &[0.5, 0.4, 0.1]);
        assert_eq!((hits.right.clone(), hits.all.clone()), (vec![1, 1, 1], vec![2, 1, 1]));
        assert!((hits.balanced().unwrap() - 2.5 / 3.0).abs() < 1e-15);
        assert_eq!(Hits::new(&[1, 1]).balanced(), None);
        // Ties are wrong, impossible classes too.
        let mut hits = Hits::new(&[1, 1]);
        hits.add(0, &[0.5, 0.5]);
        hits.add(1, &[1.0, 0.0]);
        assert_eq!(hits.right, [0, 0]);
    }
}
