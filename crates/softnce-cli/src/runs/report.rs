//! The command `report`.

use std::process::ExitCode;

use softnce_terminal::{USAGE, fail, say};
use softnce_train::write_report_again;

use super::args::ReportArguments;

pub fn run(arguments: &ReportArguments) -> ExitCode {
    for folder in &arguments.folders {
        match write_report_again(folder) {
            Ok(()) => say!("{}", folder.join("report.html").display()),
            Err(error) => return fail(&error, USAGE),
        }
    }
    ExitCode::SUCCESS
}
