//! How a program ends.

use std::error::Error;
use std::process::ExitCode;

use crate::output::{err, is_complete, note};

/// Exit code for arguments or folders that cannot be used.
pub const USAGE: u8 = 2;
/// Exit code of a run that failed.
pub const FAILED: u8 = 1;
/// Exit code after ctrl-C, as shells report it, and once a time budget is spent.
pub(crate) const INTERRUPTED: u8 = 130;

/// The exit codes, for the end of a program's help.
pub const EXIT_CODES: &str = "Exit codes: 0 success, 1 failure, 2 arguments, recipe, data or folder refused, \
                              128 + N stopped by signal N, 130 by ctrl-C";

/// The exit code of the program, given that of its command: a failure if a full disk lost text for standard
/// output.
pub fn ended(code: ExitCode) -> ExitCode {
    if is_complete() { code } else { ExitCode::from(FAILED) }
}

/// Prints what the parser of the command line answers (help, the version, or what is wrong with the arguments), and
/// returns the exit code. `clap::Error::exit` would not report a full disk.
pub fn answer(error: &clap::Error) -> ExitCode {
    note(error.print());
    if error.use_stderr() { ExitCode::from(USAGE) } else { ExitCode::SUCCESS }
}

/// Prints the error and returns the exit code.
pub fn fail(error: &dyn Error, code: u8) -> ExitCode {
    err(format_args!("error: {error}\n"));
    ExitCode::from(code)
}
