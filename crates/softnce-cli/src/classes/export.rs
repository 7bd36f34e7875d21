//! The command `export` on a run over many classes.

use std::process::ExitCode;

use softnce_classes::ClassesError;
use softnce_classes::run::TrainedRun;
use softnce_terminal::tell;

use crate::runs::ExportArguments;

pub fn run(arguments: &ExportArguments) -> Result<ExitCode, ClassesError> {
    if let Some(names) = arguments.names {
        return Err(ClassesError::Setting {
            setting: "--names",
            found: names.to_string(),
            expected: "no such option for a run over many classes, whose tensors have names of their own".to_owned(),
        });
    }
    if arguments.file.extension() != Some("safetensors".as_ref()) {
        return Err(ClassesError::Setting {
            setting: "the file to export to",
            found: arguments.file.display().to_string(),
            expected: "a .safetensors file for a run over many classes".to_owned(),
        });
    }
    TrainedRun::open(&arguments.run)?.export(&arguments.file)?;
    tell!("wrote {}", arguments.file.display());
    Ok(ExitCode::SUCCESS)
}
