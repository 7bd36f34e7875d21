//! The command `toy`.

use std::process::ExitCode;

use clap::Args;
use softnce_experiments::Budget;
use softnce_experiments::toy::{self, ToyConfig, ToyResults};
use softnce_report::number::fixed;
use softnce_report::with_interval;
use softnce_terminal::{say, stop_on_ctrl_c};

use super::args::{StudyArguments, program};
use super::bar::StudyBar;
use super::end::end;

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
    let stop = stop_on_ctrl_c();
    let budget = Budget::new(&stop, arguments.study.time_budget);
    let folder = arguments.study.folder("toy");
    let bar = StudyBar::new();
    let outcome = toy::run(arguments.config(), arguments.command(), &folder, budget, &bar);
    bar.clear();
    end(outcome, &folder, summary)
}

/// The estimators side by side.
fn summary(results: &ToyResults) {
    say!("RMS distance to the true parameter, and to what theory predicts:");
    for (name, cell) in results.side_by_side() {
        let truth = with_interval(cell.to_truth, 3, fixed);
        let theory = cell.to_prediction.map_or_else(String::new, |away| format!(", {}", fixed(away.mean, 3)));
        say!("  {} classes  {name:36} {truth}{theory}", cell.setting.classes);
    }
}
