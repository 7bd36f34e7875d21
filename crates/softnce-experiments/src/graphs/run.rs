//! The study from end to end.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use serde::Serialize;
use softnce::LossKind;
use softnce_data::fetch::Registry;
use softnce_metrics::{ValidationScore, best_setting};
use softnce_train::compare::FIRST_TUNING_SEED;

use super::graph::Graph;
use super::page;
use super::plan::{GraphsConfig, graph_name, part_name};
use super::results::{GraphsResults, LOSSES, SOURCES};
use super::trial::{Found, train};
use super::unit::{Candidates, Source, Unit};
use crate::parts::{Around, StudyPart, Workplace, each_seed};
use crate::{Budget, Progress, StudyError, folder};

/// Increased with every change of the result of a training.
const REVISION: u32 = 3;

/// What must be the same to continue in a folder.
#[derive(Serialize)]
struct Identity<'a> {
    #[serde(flatten)]
    config: &'a GraphsConfig,
    /// SHA-256 of each graph.
    digests: Vec<&'a str>,
}

/// Trains what is missing, then writes `results.json`, `results.csv`, `results.md` and `report.html`.
///
/// `data`: the data folder, in which the graphs are found as `data fetch` puts them there.
///
/// # Errors
/// Settings out of range; a graph that cannot be read; a folder that cannot be used; a training that fails. What was
/// finished stays.
pub fn run(
    config: GraphsConfig,
    command: String,
    data: &Path,
    out: &Path,
    budget: Budget<'_>,
    progress: &dyn Progress,
) -> Result<GraphsResults, StudyError> {
    config.check()?;
    let read = |name: &String| Ok((name.clone(), read(data, name)?));
    let graphs = config.graphs.iter().map(read).collect::<Result<Vec<(String, Graph)>, StudyError>>()?;
    let digests = graphs.iter().map(|(_, graph)| graph.digest.as_str()).collect();
    let folder = folder::open(out, "graphs", REVISION, &Identity { config: &config, digests })?;
    let place = Workplace { folder: &folder, jobs: 1, budget, progress };
    let train = |unit: &Unit, stop: &AtomicBool| -> Result<Option<(Unit, Vec<Found>)>, StudyError> {
        let Some((_, graph)) = graphs.iter().find(|(name, _)| *name == unit.graph) else {
            return Err(StudyError::argument("graph", &unit.graph, "one of those that are read"));
        };
        let seeds = match unit.tuning {
            true => FIRST_TUNING_SEED..FIRST_TUNING_SEED + config.tuning_seeds,
            false => 0..config.seeds,
        };
        let found = each_seed(seeds, stop, |seed| train(graph, unit, &config, seed))?;
        Ok(found.map(|found| (unit.clone(), found)))
    };
    let several = config.rates.len() > 1;
    let trials = if several { units(&config, true, |_, _, _, _| config.rates.clone()) } else { Vec::new() };
    let compared = config.graphs.len() * SOURCES.len() * LOSSES.len();
    let around = Around { before: 0, after: compared };
    let tuning = place.train_all(&trials, around, train)?;
    let around = Around { before: trials.len(), after: 0 };
    let chosen = |graph: &str, source, loss, candidates| {
        let those = tuning.iter().filter(|(unit, _)| {
            (unit.graph.as_str(), unit.source, unit.loss, unit.candidates) == (graph, source, loss, candidates)
        });
        best(those).map_or_else(|| config.rates.clone(), |rate| vec![rate])
    };
    let compared = units(&config, false, chosen);
    let compared = place.train_all(&compared, around, train)?;
    let results = GraphsResults::new(config.clone(), command, &graphs, tuning, compared)?;
    folder.write_sealed_json("results.json", &results)?;
    folder.write_csv("results.csv", page::rows(&results))?;
    for (name, content) in page::files(&results) {
        folder.write(&name, content)?;
    }
    Ok(results)
}

/// Reads the graph of this name, in the data folder.
fn read(data: &Path, name: &str) -> Result<Graph, StudyError> {
    let (registry, path) = (Registry::known(), Path::new(name));
    let folder = registry.folder(data, path).map_err(|source| StudyError::Missing { argument: "graphs", source })?;
    Graph::read(&folder, &graph_name(name)).map_err(|error| {
        let found = registry.completion(data, path, &folder).filter(|_| error.is_missing_file());
        match found {
            Some(remedy) => StudyError::Incomplete { source: Box::new(error), remedy },
            None => error,
        }
    })
}

/// The rate with the best mean over its seeds.
fn best<'a>(trials: impl Iterator<Item = &'a (Unit, Vec<Found>)>) -> Option<f64> {
    best_setting(trials.filter_map(|(unit, found)| {
        let scores = found.iter().map(|run| ValidationScore { top1: run.validation_top1, nll: run.validation_nll });
        Some((unit.rate, ValidationScore::mean(&scores.collect::<Vec<_>>())?))
    }))
}

/// Every graph, source and loss at its rates.
fn units(
    config: &GraphsConfig,
    tuning: bool,
    rates: impl Fn(&str, Source, LossKind, Candidates) -> Vec<f64>,
) -> Vec<Unit> {
    let mut units = Vec::new();
    for graph in &config.graphs {
        for source in SOURCES {
            for (loss, candidates) in LOSSES {
                let rates = rates(graph, source, loss, candidates).into_iter();
                units.extend(rates.map(|rate| Unit { graph: graph.clone(), source, loss, candidates, rate, tuning }));
            }
        }
    }
    units
}

/// A unit with the result of each of its seeds.
impl StudyPart for Unit {
    type Kept = (Unit, Vec<Found>);

    fn name(&self) -> String {
        let Unit { graph, source, loss, candidates, rate, tuning } = self;
        let (graph, source) = (part_name(graph), source.name());
        let candidates = match candidates {
            Candidates::Targets => String::new(),
            other => format!("-{}", other.name()),
        };
        // The rate of a compared run follows from the trials.
        match tuning {
            true => format!("tuning-{graph}-{source}-{loss}{candidates}-{rate:e}"),
            false => format!("run-{graph}-{source}-{loss}{candidates}"),
        }
    }

    fn is(&self, (unit, _): &Self::Kept) -> bool {
        unit == self
    }
}
