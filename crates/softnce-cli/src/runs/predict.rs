//! The command `predict`.

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use softnce_data::PictureSource;
use softnce_data::sets::unlabelled;
use softnce_store::{csv, write};
use softnce_terminal::{INTERRUPTED, stop_on_ctrl_c, tell};
use softnce_train::runs::{Labelled, RunError, TrainedRun};

use super::args::PredictArguments;

pub fn run(arguments: &PredictArguments) -> Result<ExitCode, RunError> {
    let trained = TrainedRun::open(&arguments.run, arguments.device)?;
    let classes = trained.classes().to_vec();
    let files = unlabelled(&arguments.pictures, classes.clone())?.with_decoding(trained.recipe().data.decoding());
    files.warnings().iter().for_each(|warning| tell!("warning: {warning}"));
    let mut head = ["picture", "class", "probability"].map(str::to_owned).to_vec();
    if arguments.probabilities {
        head.extend(classes.iter().cloned());
    }
    let mut rows = vec![head];
    let pictures = Labelled { pictures: Arc::new(files.clone()), distributions: None };
    let whole = trained.predict(&pictures, &stop_on_ctrl_c(), |index, posterior| {
        let best = posterior.iter().enumerate().max_by(|(_, one), (_, other)| one.total_cmp(other));
        let (class, probability) = best.unwrap_or((0, &0.0));
        let mut row = vec![files.describe(index), classes[class].clone(), probability.to_string()];
        if arguments.probabilities {
            row.extend(posterior.iter().map(f64::to_string));
        }
        rows.push(row);
        Ok(())
    })?;
    if !whole {
        return Ok(ExitCode::from(INTERRUPTED));
    }
    let bytes = csv(rows).map_err(|error| RunError::Report { reason: error.to_string() })?;
    match &arguments.out {
        Some(file) => write(file, &bytes)?,
        None => {
            // Whoever reads may have seen enough.
            let _ = std::io::stdout().write_all(&bytes);
        }
    }
    Ok(ExitCode::SUCCESS)
}
