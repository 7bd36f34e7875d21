//! From the start of an experiment to its end.

use std::path::Path;
use std::process::ExitCode;

use softnce_experiments::{Budget, Progress, StudyError};
use softnce_terminal::{FAILED, PartBar, USAGE, fail, interrupted, say, stop_on_signal, tell};

use super::args::StudyArguments;

/// Runs an experiment in its folder and prints how it ended; `summary` prints what it found.
pub fn carry_out<T>(
    arguments: &StudyArguments,
    name: &str,
    run: impl FnOnce(&Path, Budget<'_>, &dyn Progress) -> Result<T, StudyError>,
    summary: impl FnOnce(&T),
) -> ExitCode {
    let (stop, folder, bar) = (stop_on_signal(), arguments.folder(name), PartBar::new("part"));
    let outcome = run(&folder, Budget::new(&stop, arguments.time_budget), &bar);
    bar.clear();
    match outcome {
        Ok(results) => {
            summary(&results);
            say!("\nReport: {}", folder.join("report.html").display());
            ExitCode::SUCCESS
        }
        Err(error @ StudyError::Interrupted { .. }) => {
            tell!("{error}, kept in {}; the same command continues", folder.display());
            interrupted()
        }
        // Bad arguments, data and folders have an exit code of their own.
        Err(error) => fail(&error, if error.is_usage() { USAGE } else { FAILED }),
    }
}
