//! The command `eval`.

use std::process::ExitCode;

use softnce_train::report::run::{json, terminal};
use softnce_train::runs::{RunData, RunError, TrainedRun, write};

use super::refuse;
use crate::exit::INTERRUPTED;
use crate::interrupt::stop_on_ctrl_c;
use crate::output::say;
use crate::run_args::EvalArguments;

pub fn run(arguments: &EvalArguments) -> ExitCode {
    match attempt(arguments) {
        Ok(code) => code,
        Err(error) => refuse(&error),
    }
}

fn attempt(arguments: &EvalArguments) -> Result<ExitCode, RunError> {
    let trained = TrainedRun::open(&arguments.run, arguments.place.device)?;
    let data = RunData::open(&trained.recipe().data, &arguments.place.data_folder())?;
    let Some(report) = trained.judge(&data, &stop_on_ctrl_c())? else {
        return Ok(ExitCode::from(INTERRUPTED));
    };
    say!("{}", terminal(&report));
    if let Some(file) = &arguments.json {
        let text = json(&report).map_err(|error| RunError::Report { reason: error.to_string() })?;
        write(file, text.as_bytes())?;
    }
    Ok(ExitCode::SUCCESS)
}
