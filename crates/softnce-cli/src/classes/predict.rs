//! The command `predict` on a run over many classes.

use std::process::ExitCode;

use softnce_classes::ClassesError;
use softnce_classes::run::TrainedRun;
use softnce_store::CsvStream;
use softnce_terminal::{interrupted, stop_on_signal, tell};

use super::check_device;
use crate::runs::PredictArguments;

pub fn run(arguments: &PredictArguments) -> Result<ExitCode, ClassesError> {
    check_device(arguments.place.device)?;
    let refused = |setting, found: String, expected: &str| {
        Err(ClassesError::Setting { setting, found, expected: expected.to_owned() })
    };
    for (setting, is_set) in [
        ("--split", arguments.split.is_some()),
        ("--probabilities", arguments.probabilities),
        ("--logits", arguments.logits),
        ("--scaled", arguments.scaled),
    ] {
        if is_set {
            return refused(
                setting,
                "set".to_owned(),
                "no such option for a run over many classes: --top K writes the K most probable classes",
            );
        }
    }
    let [file] = &arguments.pictures[..] else {
        return refused("the files to predict", arguments.pictures.len().to_string(), "one file of rows");
    };
    let trained = TrainedRun::open(&arguments.run)?;
    let rows = trained.open_rows(file)?;
    let mut out = arguments.out.as_deref().map_or_else(|| Ok(CsvStream::stdout()), CsvStream::file)?;
    let part = out.part().map(|part| part.display().to_string());
    match trained.predict(rows.as_ref(), arguments.top, &mut out, &stop_on_signal()) {
        Ok(done) if done == rows.len() => {
            out.finish()?;
            Ok(ExitCode::SUCCESS)
        }
        other => {
            if let Some(part) = part {
                tell!("{part} has the rows predicted so far");
            }
            other.map(|_| interrupted()).map_err(|error| match error {
                ClassesError::Score { part, row, class, score } => {
                    ClassesError::Score { part: format!("{}: {part}", file.display()), row, class, score }
                }
                _ => error,
            })
        }
    }
}
