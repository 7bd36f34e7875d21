//! The commands on runs: train, eval, predict, export, recipes.

mod args;
mod eval;
mod export;
mod predict;
mod progress;
mod recipes;
mod train;

use std::process::ExitCode;

pub use args::{EvalArguments, ExportArguments, PredictArguments, RecipesArguments, TrainArguments};
pub use eval::run as eval;
pub use export::run as export;
pub use predict::run as predict;
pub use recipes::run as recipes;
use softnce_terminal::{FAILED, USAGE, fail};
use softnce_train::runs::RunError;
pub use train::run as train;

/// Prints the error of a command, if there is one; bad arguments, recipes and data have an exit code of their own. The end
/// of the program that reads the output, as in `| head`, is no error to report.
pub fn end(outcome: Result<ExitCode, RunError>) -> ExitCode {
    outcome.unwrap_or_else(|error| match error {
        RunError::Store(error) if error.is_closed_pipe() => ExitCode::from(FAILED),
        error => fail(&error, if error.is_usage() { USAGE } else { FAILED }),
    })
}
