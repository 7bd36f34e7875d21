//! The command `compare`.

mod args;
mod progress;

use std::process::ExitCode;

pub use args::CompareArguments;
use progress::Bars;
use softnce_data::fetch::data_folder;
use softnce_report::comparison as report;
use softnce_terminal::{FAILED, USAGE, fail, interrupted, peak_memory, reset_peak_memory, say, stop_on_signal, tell};
use softnce_train::compare::{ComparisonContext, ComparisonRun, Outcome, PeakMemory};
use softnce_train::recipe::Recipe;

pub fn run(arguments: &CompareArguments) -> ExitCode {
    let stop = stop_on_signal();
    let bars = Bars::new();
    let data_folder = data_folder(arguments.place.data.as_ref());
    let recipe = match Recipe::read(&arguments.recipe, &arguments.changes()) {
        Ok(recipe) => recipe,
        Err(error) => return fail(&error, USAGE),
    };
    let folder = arguments.folder(&recipe.name);
    let context = ComparisonContext {
        data_folder: &data_folder,
        device: arguments.place.device,
        out: &folder,
        stop: &stop,
        progress: &bars,
        memory: Some(PeakMemory { reset: reset_peak_memory, peak: peak_memory }),
        force: arguments.force,
    };
    let comparison = match ComparisonRun::open(recipe, arguments.command(), context) {
        Ok(comparison) => comparison,
        Err(error) => return fail(&error, if error.is_full_disk() { FAILED } else { USAGE }),
    };
    let outcome = comparison.run();
    bars.clear();
    match outcome {
        Ok(Outcome::Finished(comparison)) => {
            say!("{}", report::terminal(&comparison));
            say!("\nReport: {}", folder.join("report.html").display());
            ExitCode::SUCCESS
        }
        Ok(Outcome::Interrupted { finished, planned }) => {
            let folder = folder.display();
            tell!(
                "stopped with {finished} of {planned} runs finished and kept in {folder}; the same command continues"
            );
            interrupted()
        }
        Err(error) => fail(&error, FAILED),
    }
}
