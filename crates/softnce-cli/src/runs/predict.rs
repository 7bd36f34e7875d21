//! The command `predict`.

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use softnce_data::PictureSource;
use softnce_data::sets::loose;
use softnce_terminal::{INTERRUPTED, stop_on_ctrl_c};
use softnce_train::runs::{Labelled, RunError, TrainedRun, write};

use super::args::PredictArguments;
use super::refuse::refuse;

pub fn run(arguments: &PredictArguments) -> ExitCode {
    match attempt(arguments) {
        Ok(code) => code,
        Err(error) => refuse(&error),
    }
}

fn attempt(arguments: &PredictArguments) -> Result<ExitCode, RunError> {
    let trained = TrainedRun::open(&arguments.run, arguments.device)?;
    let classes = trained.classes().to_vec();
    let files = loose(&arguments.pictures, classes.clone())?;
    let failed = |error: csv::Error| RunError::Report { reason: error.to_string() };
    let mut table = csv::Writer::from_writer(Vec::new());
    let mut head = vec!["picture", "class", "probability"];
    if arguments.probabilities {
        head.extend(classes.iter().map(String::as_str));
    }
    table.write_record(&head).map_err(failed)?;
    let pictures = Labelled { pictures: Arc::new(files.clone()), distributions: None };
    let whole = trained.predict(&pictures, &stop_on_ctrl_c(), |index, posterior| {
        let best = posterior.iter().enumerate().max_by(|(_, one), (_, other)| one.total_cmp(other));
        let (class, probability) = best.unwrap_or((0, &0.0));
        let mut row = vec![files.describe(index), classes[class].clone(), probability.to_string()];
        if arguments.probabilities {
            row.extend(posterior.iter().map(f64::to_string));
        }
        table.write_record(&row).map_err(failed)
    })?;
    if !whole {
        return Ok(ExitCode::from(INTERRUPTED));
    }
    let bytes = table.into_inner().map_err(|error| RunError::Report { reason: error.to_string() })?;
    match &arguments.out {
        Some(file) => write(file, &bytes)?,
        None => {
            // Whoever reads may have seen enough.
            let _ = std::io::stdout().write_all(&bytes);
        }
    }
    Ok(ExitCode::SUCCESS)
}
