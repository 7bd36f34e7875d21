//! The command `graphs`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use softnce_data::fetch::data_folder;
use softnce_experiments::graphs::{self, GraphsConfig, GraphsResults, Source};
use softnce_report::number::fixed;
use softnce_report::table::Table;
use softnce_report::with_interval;
use softnce_terminal::say;

use super::args::{StudyArguments, program};
use super::run::carry_out;

#[derive(Debug, Args)]
pub struct GraphsArguments {
    /// Graphs: names that `softnce data fetch` knows, or folders in the data folder, each with edges.csv and nodes.csv.gz,
    /// or with the files ind.NAME.* of Planetoid [default: cora,citeseer].
    #[arg(long, value_delimiter = ',', value_name = "NAME,..")]
    pub graphs: Option<Vec<String>>,
    /// Seeds of each loss [default: 20].
    #[arg(long)]
    pub seeds: Option<u64>,
    /// Steps of each training [default: 200].
    #[arg(long)]
    pub epochs: Option<usize>,
    /// Learning rates to choose from for each loss [default: 0.003,0.01,0.03,0.1].
    #[arg(long, value_delimiter = ',', value_name = "RATE,..")]
    pub rates: Option<Vec<f64>>,
    /// Data folder [default: $SOFTNCE_DATA, or the folder that `softnce data fetch` fills].
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    #[command(flatten)]
    pub study: StudyArguments,
}

impl GraphsArguments {
    /// The settings of the experiment.
    fn config(&self) -> GraphsConfig {
        let mut config = GraphsConfig::default();
        config.graphs = self.graphs.clone().unwrap_or(config.graphs);
        config.seeds = self.seeds.unwrap_or(config.seeds);
        config.epochs = self.epochs.unwrap_or(config.epochs);
        config.rates = self.rates.clone().unwrap_or(config.rates);
        config
    }

    /// The command that runs it again.
    fn command(&self) -> String {
        let mut words = vec![program("graphs"), "--data DIR".to_owned()];
        words.extend(self.graphs.as_ref().map(|graphs| format!("--graphs {}", graphs.join(","))));
        words.extend(self.seeds.map(|seeds| format!("--seeds {seeds}")));
        words.extend(self.epochs.map(|epochs| format!("--epochs {epochs}")));
        let list = |rates: &Vec<f64>| rates.iter().map(f64::to_string).collect::<Vec<_>>().join(",");
        words.extend(self.rates.as_ref().map(|rates| format!("--rates {}", list(rates))));
        words.join(" ")
    }
}

pub fn run(arguments: &GraphsArguments) -> ExitCode {
    let (config, command) = (arguments.config(), arguments.command());
    let data = data_folder(arguments.data.as_ref());
    carry_out(
        &arguments.study,
        "graphs",
        |folder, budget, progress| graphs::run(config, command, &data, folder, budget, progress),
        summary,
    )
}

/// Accuracy of each loss.
fn summary(results: &GraphsResults) {
    let mut table = Table::new(["graph", "targets", "loss", "test accuracy, %"]).with_text(1).with_text(2);
    for (graph, _) in &results.sizes {
        for source in [Source::Labels, Source::Teacher] {
            for row in results.of(graph, source) {
                let accuracy = with_interval(row.values[0], 2, fixed);
                table.add([graph.as_str(), source.name(), &row.unit.title(), &accuracy]);
            }
        }
    }
    say!("{table}");
}
