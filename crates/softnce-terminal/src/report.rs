//! The command `report`, which both programs have.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use crate::exit::{FAILED, USAGE, fail};
use crate::say;

/// The folders whose reports are written again.
#[derive(Debug, Args)]
pub struct ReportArguments {
    /// Folders with finished results.
    #[arg(required = true, value_name = "DIR")]
    pub folders: Vec<PathBuf>,
}

/// Writes the report in each folder again with `write`, up to the first that fails. `is_usage` tells whether the folder
/// was refused.
pub fn write_reports<E: Error>(
    arguments: &ReportArguments,
    write: impl Fn(&Path) -> Result<(), E>,
    is_usage: impl Fn(&E) -> bool,
) -> ExitCode {
    for folder in &arguments.folders {
        if let Err(error) = write(folder) {
            return fail(&error, if is_usage(&error) { USAGE } else { FAILED });
        }
        say!("{}", folder.join("report.html").display());
    }
    ExitCode::SUCCESS
}
