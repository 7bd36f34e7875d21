//! The command `compare`.

use std::process::ExitCode;

use softnce_train::compare::{Outcome, Study, Surroundings};
use softnce_train::recipe::Recipe;
use softnce_train::report;

use crate::args::CompareArguments;
use crate::exit::{FAILED, INTERRUPTED, USAGE, fail};
use crate::interrupt::stop_on_ctrl_c;
use crate::memory::AllocatorPeak;
use crate::output::{say, tell};
use crate::progress::Bars;

pub fn run(arguments: &CompareArguments) -> ExitCode {
    let stop = stop_on_ctrl_c();
    let bars = Bars::new();
    let data_folder = arguments.place.data_folder();
    let recipe = match Recipe::read(&arguments.recipe, &arguments.changes()) {
        Ok(recipe) => recipe,
        Err(error) => return fail(&error, USAGE),
    };
    let folder = arguments.folder(&recipe.name);
    let place = Surroundings {
        data_folder: &data_folder,
        device: arguments.place.device,
        out: &folder,
        stop: &stop,
        progress: &bars,
        memory: Some(&AllocatorPeak),
    };
    let study = match Study::open(recipe, arguments.command(), place) {
        Ok(study) => study,
        Err(error) => return fail(&error, USAGE),
    };
    let outcome = study.run();
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
            ExitCode::from(INTERRUPTED)
        }
        Err(error) => fail(&error, FAILED),
    }
}
