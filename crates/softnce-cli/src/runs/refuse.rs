//! How a command on runs ends with an error.

use std::process::ExitCode;

use softnce_terminal::{FAILED, USAGE, fail};
use softnce_train::runs::RunError;

/// Prints the error; bad arguments, recipes and data have an exit code of their own.
pub fn refuse(error: &RunError) -> ExitCode {
    fail(error, if error.is_usage() { USAGE } else { FAILED })
}
