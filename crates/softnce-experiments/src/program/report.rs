//! The command `report`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use softnce_experiments::write_report_again;
use softnce_terminal::{USAGE, fail, say};

#[derive(Debug, Args)]
pub struct ReportArguments {
    /// Folders of finished experiments.
    #[arg(required = true, value_name = "DIR")]
    pub folders: Vec<PathBuf>,
}

pub fn run(arguments: &ReportArguments) -> ExitCode {
    for folder in &arguments.folders {
        match write_report_again(folder) {
            Ok(()) => say!("{}", folder.join("report.html").display()),
            Err(error) => return fail(&error, USAGE),
        }
    }
    ExitCode::SUCCESS
}
