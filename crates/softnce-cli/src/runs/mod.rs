//! The commands on runs: train, eval, predict, export, recipes.

mod eval;
mod export;
mod predict;
mod recipes;
mod train;

pub use eval::run as eval;
pub use export::run as export;
pub use predict::run as predict;
pub use recipes::run as recipes;
pub use train::run as train;

use std::process::ExitCode;

use softnce_train::runs::RunError;

use crate::exit::{FAILED, USAGE, fail};

/// Ends the program with the error: what was given wrong is another exit code than what went wrong.
fn refuse(error: &RunError) -> ExitCode {
    fail(error, if error.is_usage() { USAGE } else { FAILED })
}
