//! The command `export`.

use std::process::ExitCode;

use softnce_terminal::say;
use softnce_train::device::DeviceName;
use softnce_train::runs::TrainedRun;

use super::args::ExportArguments;
use super::refuse::refuse;

pub fn run(arguments: &ExportArguments) -> ExitCode {
    let exported = TrainedRun::open(&arguments.run, DeviceName::Cpu).and_then(|run| run.export(&arguments.file));
    match exported {
        Ok(()) => {
            say!("{}", arguments.file.display());
            ExitCode::SUCCESS
        }
        Err(error) => refuse(&error),
    }
}
