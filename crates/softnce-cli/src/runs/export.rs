//! The command `export`.

use std::path::Path;
use std::process::ExitCode;

use softnce_terminal::{out, tell};
use softnce_train::device::DeviceName;
use softnce_train::runs::{BEST, ExportFormat, LAST, Library, RunError, TrainedRun};

use super::args::ExportArguments;

pub fn run(arguments: &ExportArguments) -> Result<ExitCode, RunError> {
    ExportFormat::of(&arguments.file)?;
    check_place(arguments)?;
    let trained = TrainedRun::open(&arguments.run, DeviceName::Cpu)?;
    let names = arguments.names.unwrap_or(Library::Timm);
    let python = trained.python(&arguments.file, names)?;
    trained.export(&arguments.file, names)?;
    tell!("wrote {}; this Python loads it:", arguments.file.display());
    out(format_args!("{python}"));
    Ok(ExitCode::SUCCESS)
}

/// The files of the run itself hold more than an export does.
fn check_place(arguments: &ExportArguments) -> Result<(), RunError> {
    let own = [BEST, LAST].iter().any(|name| arguments.file.file_name() == Some(name.as_ref()));
    let folder = arguments.file.parent().map(|folder| if folder == Path::new("") { Path::new(".") } else { folder });
    let folders = [folder.and_then(|folder| folder.canonicalize().ok()), arguments.run.canonicalize().ok()];
    if own && folders[0].is_some() && folders[0] == folders[1] {
        let (argument, found) = ("the file to export to", arguments.file.display().to_string());
        return Err(RunError::Data { argument, found, expected: "a file that is not one of the run's own".to_owned() });
    }
    Ok(())
}
