//! Which trainings the study takes.

use std::ffi::OsStr;
use std::path::Path;

use serde::{Deserialize, Serialize};
use softnce_data::fetch::Registry;

use crate::StudyError;

/// The settings of the study. By default those of the network and its training are Kipf and Welling's, but for the
/// learning rate, which is chosen, and without early stopping.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GraphsConfig {
    /// The graphs: registered names, or folders in the data folder.
    pub graphs: Vec<String>,
    /// Seeds that are compared.
    pub seeds: u64,
    /// Learning rates tried for each loss, judged by the accuracy on the validation nodes.
    pub rates: Vec<f64>,
    /// Seeds that each rate is tried with, none of those compared.
    pub tuning_seeds: u64,
    /// Width of the hidden layer.
    pub hidden: usize,
    /// Share of features and of hidden values that is left out at each step.
    pub dropout: f64,
    /// Adam's L2 penalty on the first layer.
    pub weight_decay: f64,
    /// Steps, each over the whole graph.
    pub epochs: usize,
    /// Label smoothing of the losses that take soft targets, where the targets are labels.
    pub smoothing: f64,
}

impl Default for GraphsConfig {
    fn default() -> Self {
        GraphsConfig {
            graphs: vec!["cora".into(), "citeseer".into()],
            seeds: 20,
            rates: vec![0.003, 0.01, 0.03, 0.1],
            tuning_seeds: 3,
            hidden: 16,
            dropout: 0.5,
            weight_decay: 5e-4,
            epochs: 200,
            smoothing: 0.1,
        }
    }
}

impl GraphsConfig {
    /// Refuses what cannot be run.
    ///
    /// # Errors
    /// [`StudyError::Argument`] for the first setting out of its range.
    pub fn check(&self) -> Result<(), StudyError> {
        let whole = |argument, value: u64, most: u64, expected| match value {
            value if (1..=most).contains(&value) => Ok(()),
            value => Err(StudyError::argument(argument, value, expected)),
        };
        let share = |argument, value: f64| match (0.0..1.0).contains(&value) {
            true => Ok(()),
            false => Err(StudyError::argument(argument, value, "from 0, below 1")),
        };
        whole("graphs", self.graphs.len() as u64, 100, "from 1 to 100 folders")?;
        whole("seeds", self.seeds, 10_000, "from 1 to 10,000")?;
        whole("tuning_seeds", self.tuning_seeds, 10_000, "from 1 to 10,000")?;
        whole("rates", self.rates.len() as u64, 100, "from 1 to 100 learning rates")?;
        whole("hidden", self.hidden as u64, 1 << 16, "from 1 to 65,536")?;
        whole("epochs", self.epochs as u64, 1 << 20, "from 1 to 2^20")?;
        share("dropout", self.dropout)?;
        share("smoothing", self.smoothing)?;
        share("weight_decay", self.weight_decay)?;
        let names: Vec<String> = self.graphs.iter().map(|graph| part_name(graph)).collect();
        if let Some(twice) = (1..names.len()).find(|&at| names[..at].contains(&names[at])) {
            let expected = "each once, and told apart by more than the slashes";
            return Err(StudyError::argument("graphs", &self.graphs[twice], expected));
        }
        if let Some(twice) = (1..self.rates.len()).find(|&at| self.rates[..at].contains(&self.rates[at])) {
            return Err(StudyError::argument("rates", self.rates[twice], "each once"));
        }
        let bad = self.rates.iter().find(|rate| !(**rate > 0.0 && rate.is_finite()));
        bad.map_or(Ok(()), |rate| Err(StudyError::argument("rates", rate, "finite numbers above 0")))
    }
}

/// The name of a graph within that of a file.
pub(crate) fn part_name(graph: &str) -> String {
    graph.replace(['/', '\\'], "-")
}

/// The name of a graph within those of its publisher's files: the registered name, or that of the folder.
pub(crate) fn graph_name(graph: &str) -> String {
    let path = Path::new(graph);
    let set = Registry::known().set_of(path).map(|set| set.name.as_str());
    set.or(path.file_name().and_then(OsStr::to_str)).unwrap_or(graph).to_owned()
}
