//! How the program ends.

use crate::output::tell;
use std::error::Error;
use std::process::ExitCode;

/// Exit code of arguments or folders that cannot be used.
pub const USAGE: u8 = 2;
/// Exit code of a run that failed.
pub const FAILED: u8 = 1;
/// Exit code after ctrl-C, as shells have it.
pub const INTERRUPTED: u8 = 130;

/// Says why the program ends.
pub fn fail(error: &dyn Error, code: u8) -> ExitCode {
    tell!("error: {error}");
    ExitCode::from(code)
}
