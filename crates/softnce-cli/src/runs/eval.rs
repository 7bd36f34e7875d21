//! The command `eval`.

use std::process::ExitCode;

use softnce_report::run::{json, terminal};
use softnce_store::{check_writable, write};
use softnce_terminal::{interrupted, say, stop_on_signal, tell};
use softnce_train::runs::{RunError, TrainedRun};

use super::args::EvalArguments;

pub fn run(arguments: &EvalArguments) -> Result<ExitCode, RunError> {
    if let Some(file) = &arguments.json {
        check_writable(file)?;
    }
    let trained = TrainedRun::open(&arguments.run, arguments.place.device)?;
    let data = trained.open_data(arguments.place.data.as_deref())?;
    data.notes().iter().for_each(|note| tell!("{note}"));
    let Some(report) = trained.test(&data, &stop_on_signal())? else {
        return Ok(interrupted());
    };
    say!("{}", terminal(&report));
    if let Some(file) = &arguments.json {
        let text = json(&report).map_err(|error| RunError::Report { reason: error.to_string() })?;
        write(file, text.as_bytes())?;
    }
    Ok(ExitCode::SUCCESS)
}
