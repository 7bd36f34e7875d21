//! The command `export`.

use std::process::ExitCode;

use softnce_terminal::say;
use softnce_train::device::DeviceName;
use softnce_train::runs::{RunError, TrainedRun};

use super::args::ExportArguments;

pub fn run(arguments: &ExportArguments) -> Result<ExitCode, RunError> {
    TrainedRun::open(&arguments.run, DeviceName::Cpu)?.export(&arguments.file)?;
    say!("{}", arguments.file.display());
    Ok(ExitCode::SUCCESS)
}
