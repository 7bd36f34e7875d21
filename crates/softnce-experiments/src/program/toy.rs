//! The command `toy`.

use std::process::ExitCode;

use clap::Args;
use softnce_experiments::toy::{self, ToyConfig, ToyResults};
use softnce_report::number::fixed;
use softnce_report::table::Table;
use softnce_report::with_interval;
use softnce_terminal::say;

use super::args::{StudyArguments, program};
use super::run::carry_out;

#[derive(Debug, Args)]
pub struct ToyArguments {
    /// Seeds of each setting [default: 10].
    #[arg(long)]
    pub seeds: Option<u64>,
    /// Optimiser steps of each training [default: 1500].
    #[arg(long)]
    pub steps: Option<usize>,
    /// Numbers of training samples; figures that do not vary it use the largest [default: 256,1024,4096,16384,65536].
    #[arg(long, value_delimiter = ',', value_name = "N,..")]
    pub samples: Option<Vec<usize>>,
    /// Numbers of candidates [default: 2,8,32,128,512,4096].
    #[arg(long, value_delimiter = ',', value_name = "M,..")]
    pub candidates: Option<Vec<usize>>,
    #[command(flatten)]
    pub study: StudyArguments,
}

impl ToyArguments {
    /// The settings of the experiment.
    fn config(&self) -> ToyConfig {
        let mut config = ToyConfig::default();
        config.seeds = self.seeds.unwrap_or(config.seeds);
        config.training.steps = self.steps.unwrap_or(config.training.steps);
        config.samples = self.samples.clone().unwrap_or(config.samples);
        config.candidates = self.candidates.clone().unwrap_or(config.candidates);
        config
    }

    /// The command that runs it again.
    fn command(&self) -> String {
        let list = |values: &[usize]| values.iter().map(usize::to_string).collect::<Vec<_>>().join(",");
        let mut words = vec![program("toy")];
        words.extend(self.seeds.map(|seeds| format!("--seeds {seeds}")));
        words.extend(self.steps.map(|steps| format!("--steps {steps}")));
        words.extend(self.samples.as_deref().map(|samples| format!("--samples {}", list(samples))));
        words.extend(self.candidates.as_deref().map(|candidates| format!("--candidates {}", list(candidates))));
        words.join(" ")
    }
}

pub fn run(arguments: &ToyArguments) -> ExitCode {
    let (config, command) = (arguments.config(), arguments.command());
    carry_out(
        &arguments.study,
        "toy",
        |folder, budget, progress| toy::run(config, command, folder, budget, progress),
        summary,
    )
}

/// The estimators side by side.
fn summary(results: &ToyResults) {
    let mut table = Table::new(["estimator", "classes", "RMS to the true parameter", "RMS to theory"]);
    for (name, cell) in results.side_by_side() {
        let truth = with_interval(cell.to_truth, 3, fixed);
        let theory = cell.to_prediction.map_or_else(String::new, |away| fixed(away.mean, 3));
        table.add([name, cell.setting.classes.to_string(), truth, theory]);
    }
    say!("{table}");
}
