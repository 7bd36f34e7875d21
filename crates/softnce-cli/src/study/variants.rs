//! The studies made of variants of a recipe.

use std::process::ExitCode;

use softnce_experiments::variants::{Place, VariantsConfig, VariantsResults, run as study};
use softnce_experiments::{Budget, estimate};
use softnce_report::number::fixed;

use super::args::VariantsArguments;
use super::end;
use crate::exit::{USAGE, fail};
use crate::interrupt::stop_on_ctrl_c;
use crate::output::say;
use crate::progress::PartBar;

/// The study of this name; `jobs`: trainings at once where nothing else is asked for.
pub fn run(name: &str, default: VariantsConfig, jobs: usize, arguments: &VariantsArguments) -> ExitCode {
    let config = match arguments.config(default) {
        Ok(config) => config,
        Err(error) => return fail(&error, USAGE),
    };
    let stop = stop_on_ctrl_c();
    let folder = arguments.study.folder(name);
    let bar = PartBar::new();
    let place = Place {
        study: name,
        data: &arguments.place.data_folder(),
        device: arguments.place.device,
        out: &folder,
        jobs: arguments.jobs.map_or(jobs, usize::from),
        budget: Budget::new(&stop, arguments.study.time_budget),
        progress: &bar,
    };
    let outcome = study(config, arguments.command(name), place);
    bar.clear();
    end(outcome, &folder, summary)
}

/// The first measure of each variant.
fn summary(results: &VariantsResults) {
    for (group, found) in results.groups() {
        let Some(&measure) = group.measures.first() else { continue };
        say!("{}: {}", group.title, measure.label());
        for row in &found.rows {
            let value = row.values.get(&measure);
            let value = value.map_or_else(|| "diverged".into(), |value| estimate(*value, measure.decimals(), fixed));
            say!("  {:44} {value}", row.name);
        }
    }
}
