//! The command `train` with a recipe over many classes.

use std::path::PathBuf;
use std::process::ExitCode;

use softnce_classes::ClassesError;
use softnce_classes::recipe::ClassesRecipe;
use softnce_classes::run::{ClassesData, ClassesRun, Outcome, Size};
use softnce_data::fetch::data_folder;
use softnce_terminal::{format_bytes, interrupted, out, say, stop_on_signal, tell};
use softnce_train::memory::available;

use super::check_device;
use super::progress::ClassesProgress;
use crate::runs::TrainArguments;

pub fn run(arguments: &TrainArguments, recipe: ClassesRecipe) -> Result<ExitCode, ClassesError> {
    check_device(arguments.place.device)?;
    let data = ClassesData::open(&recipe.data, &data_folder(arguments.place.data.as_ref()))?;
    data.check(&recipe)?;
    let size = Size::new(&recipe, &data)?;
    if arguments.dry_run {
        out(format_args!("{}\n{}", recipe.to_toml()?, describe(&data, &size)));
        return Ok(ExitCode::SUCCESS);
    }
    if !arguments.force {
        size.check_memory(available())?;
    }
    let out = arguments.out.clone().unwrap_or_else(|| PathBuf::from("runs").join(&recipe.name));
    let stop = stop_on_signal();
    let progress = ClassesProgress::new();
    let mut run = ClassesRun::open(recipe, data, &out)?;
    let outcome = run.train(&stop, &progress);
    progress.clear();
    match outcome? {
        Outcome::Finished(results) => {
            say!("{}", softnce_classes::report::terminal(&results));
            say!("\nReport: {}", out.join("report.html").display());
            Ok(ExitCode::SUCCESS)
        }
        Outcome::Interrupted { steps } => {
            tell!("stopped after {steps} steps, kept in {}; the same command continues", out.display());
            Ok(interrupted())
        }
    }
}

/// The sizes as comments, so that the whole of a dry run's output is a recipe.
fn describe(data: &ClassesData, size: &Size) -> String {
    let occurring = data.occurring().map(|count| format!(", of which {count} occur in the training rows"));
    let lines = [
        format!("rows: {} to learn from, {} to test on", data.train.len(), data.test.len()),
        format!("classes: {}{}", data.train.classes(), occurring.unwrap_or_default()),
        format!("parameters: {}", size.parameters),
        format!("memory: about {}: tables, and changed rows until a checkpoint", format_bytes(size.memory)),
        format!("disk: at most {}: tables, and the journal of a checkpoint", format_bytes(size.disk)),
    ];
    lines.map(|line| format!("# {line}\n")).concat()
}
