//! The command `train`.

use std::path::PathBuf;
use std::process::ExitCode;

use softnce_data::fetch::data_folder;
use softnce_terminal::{format_bytes, interrupted, out, say, stop_on_signal, tell};
use softnce_train::memory::available;
use softnce_train::recipe::Recipe;
use softnce_train::runs::{Outcome, Run, RunData, RunError, Summary, notes, weights_file};

use super::args::TrainArguments;
use super::progress::RunProgress;

pub fn run(arguments: &TrainArguments) -> Result<ExitCode, RunError> {
    let recipe = Recipe::read(&arguments.recipe, &arguments.set)?;
    let data = data_folder(arguments.place.data.as_ref());
    let resolved = recipe.clone().resolved();
    let pictures = RunData::open(&resolved.data, &data)?;
    let summary = Summary::new(&resolved, &pictures)?;
    let enough = summary.check_memory(arguments.place.device, available());
    if arguments.dry_run {
        resolved.weights.as_ref().map_or(Ok(()), |weights| weights_file(weights, &data).map(drop))?;
        pictures.notes().iter().for_each(|note| tell!("{note}"));
        let notes = notes(&recipe, &pictures)?.into_iter().chain(enough.err().map(|error| error.to_string()));
        let notes: String = notes.map(|note| format!("# note: {note}\n")).collect();
        let unset = format!("# not set: {}\n", resolved.unset_keys()?.join(", "));
        out(format_args!("{}\n{unset}{}{notes}", resolved.to_toml()?, describe(&summary)));
        return Ok(ExitCode::SUCCESS);
    }
    if !arguments.force {
        enough?;
    }
    let out = arguments.out.clone().unwrap_or_else(|| PathBuf::from("runs").join(&recipe.name));
    let stop = stop_on_signal();
    let progress = RunProgress::new();
    let mut run = Run::with_data(recipe, pictures, &data, arguments.place.device, &out)?;
    let outcome = run.train(&stop, &progress);
    progress.clear();
    match outcome? {
        Outcome::Finished(report) => {
            say!("{}", softnce_report::run::terminal(&report));
            say!("\nReport: {}", out.join("report.html").display());
            Ok(ExitCode::SUCCESS)
        }
        Outcome::Interrupted { epochs } => {
            tell!("stopped after {epochs} epochs, kept in {}; the same command continues", out.display());
            Ok(interrupted())
        }
    }
}

/// The sizes as comments, so that the whole of a dry run's output is a recipe.
fn describe(summary: &Summary) -> String {
    let [train, validation, test] = summary.pictures;
    let mut parameters = format!("parameters: {}", summary.parameters);
    if summary.trained < summary.parameters {
        parameters.push_str(&format!(", {} of them trained", summary.trained));
    }
    let lines = [
        format!("pictures: {train} to learn from, {validation} to validate on, {test} to test on"),
        format!("classes: {}", summary.classes),
        parameters,
        format!(
            "steps: {} batches an epoch, {} optimiser steps, learning rate {:e} after the warm-up",
            summary.batches, summary.optimizer_steps, summary.peak
        ),
        format!(
            "memory: about {}: weights, gradients and optimiser {}, activations {}, batches made ahead {}",
            format_bytes(summary.bytes()),
            format_bytes(summary.weight_bytes),
            format_bytes(summary.activation_bytes),
            format_bytes(summary.loader_bytes)
        ),
    ];
    lines.map(|line| format!("# {line}\n")).concat()
}
