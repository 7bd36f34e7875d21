//! The study of node classification.

use std::process::ExitCode;

use softnce_experiments::graphs::{self, GraphsResults, Source};
use softnce_experiments::{Budget, estimate};
use softnce_report::number::fixed;

use super::args::GraphsArguments;
use super::end;
use crate::interrupt::stop_on_ctrl_c;
use crate::output::say;
use crate::progress::PartBar;

pub fn run(arguments: &GraphsArguments) -> ExitCode {
    let stop = stop_on_ctrl_c();
    let budget = Budget::new(&stop, arguments.study.time_budget);
    let folder = arguments.study.folder("graphs");
    let data = arguments.data_folder();
    let bar = PartBar::new();
    let outcome = graphs::run(arguments.config(), arguments.command(), &data, &folder, budget, &bar);
    bar.clear();
    end(outcome, &folder, summary)
}

/// Accuracy of each loss.
fn summary(results: &GraphsResults) {
    for (graph, _) in &results.sizes {
        for (source, words) in [(Source::Labels, "labels"), (Source::Teacher, "teacher")] {
            say!("{graph}, targets from {words}: test accuracy, %");
            for row in results.of(graph, source) {
                say!("  {:28} {}", row.unit.loss.title(), estimate(row.values[0], 2, fixed));
            }
        }
    }
}
