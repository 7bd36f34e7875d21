//! The command `report` of both programs.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use crate::exit::{FAILED, USAGE, fail};
use crate::say;

/// Which reports to write again.
#[derive(Debug, Args)]
pub struct ReportArguments {
    /// Folders of finished results.
    #[arg(required = true, value_name = "DIR")]
    folders: Vec<PathBuf>,
}

/// Writes the report of each folder again with `write`, and prints its path; stops at the first error. `is_usage` tells
/// whether the folder is at fault.
pub fn write_reports<E: Error + 'static>(
    arguments: &ReportArguments,
    write: fn(&Path) -> Result<(), E>,
    is_usage: fn(&E) -> bool,
) -> ExitCode {
    for folder in &arguments.folders {
        match write(folder) {
            Ok(()) => say!("{}", folder.join("report.html").display()),
            Err(error) => return fail(&error, if is_usage(&error) { USAGE } else { FAILED }),
        }
    }
    ExitCode::SUCCESS
}
