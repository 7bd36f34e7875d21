//! The command `eval` on a run over many classes.

use std::process::ExitCode;

use softnce_classes::ClassesError;
use softnce_classes::run::{ClassesRun, Evaluation};
use softnce_data::fetch::data_folder;
use softnce_store::{check_writable, write_json};
use softnce_terminal::say;

use super::check_device;
use crate::runs::EvalArguments;

pub fn run(arguments: &EvalArguments) -> Result<ExitCode, ClassesError> {
    check_device(arguments.place.device)?;
    if let Some(file) = &arguments.json {
        check_writable(file)?;
    }
    let run = ClassesRun::reopen(&arguments.run, &data_folder(arguments.place.data.as_ref()))?;
    let evaluation = run.evaluate()?;
    say!("{}", describe(&evaluation));
    if let Some(file) = &arguments.json {
        write_json(file, &evaluation)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// An evaluation in lines.
pub fn describe(evaluation: &Evaluation) -> String {
    let mut lines = vec![format!(
        "after {} steps: NLL {:.4} nats (perplexity {:.2}) over {} test rows",
        evaluation.step,
        evaluation.nll,
        evaluation.perplexity(),
        evaluation.ranking.examples
    )];
    for at in &evaluation.ranking.at {
        let scored = at
            .propensity_scored_precision
            .map_or_else(String::new, |scored| format!(", propensity-scored {:.2} %", 100.0 * scored));
        let (k, precision, recall) = (at.k, 100.0 * at.precision, 100.0 * at.recall);
        lines.push(format!("at {k}: precision {precision:.2} %{scored}, recall {recall:.2} %"));
    }
    if let Some(divergence) = evaluation.divergence {
        lines.push(format!("divergence from the true posterior: {divergence:.4} nats"));
    }
    lines.join("\n")
}
