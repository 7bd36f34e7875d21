//! The study of a problem whose truth is known.

use std::process::ExitCode;

use softnce_experiments::toy::ToyResults;
use softnce_experiments::{Budget, estimate, toy};
use softnce_report::number::fixed;

use super::args::ToyArguments;
use super::end;
use crate::interrupt::stop_on_ctrl_c;
use crate::output::say;
use crate::progress::PartBar;

pub fn run(arguments: &ToyArguments) -> ExitCode {
    let stop = stop_on_ctrl_c();
    let budget = Budget::new(&stop, arguments.study.time_budget);
    let folder = arguments.study.folder("toy");
    let bar = PartBar::new();
    let outcome = toy::run(arguments.config(), arguments.command(), &folder, budget, &bar);
    bar.clear();
    end(outcome, &folder, summary)
}

/// The estimators side by side.
fn summary(results: &ToyResults) {
    say!("RMS distance to the true parameter, and to what theory predicts:");
    for (name, cell) in results.side_by_side() {
        let truth = estimate(cell.to_truth, 3, fixed);
        let theory = cell.to_prediction.map_or_else(String::new, |away| format!(", {}", fixed(away.mean, 3)));
        say!("  {} classes  {name:36} {truth}{theory}", cell.setting.classes);
    }
}
