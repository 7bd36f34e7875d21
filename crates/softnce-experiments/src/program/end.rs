//! How an experiment ends.

use std::path::Path;
use std::process::ExitCode;

use softnce_experiments::{Outcome, StudyError};
use softnce_terminal::{FAILED, INTERRUPTED, USAGE, fail, say, tell};

/// Prints how an experiment ended; `summary` prints what it found.
pub fn end<T>(outcome: Result<Outcome<T>, StudyError>, folder: &Path, summary: impl Fn(&T)) -> ExitCode {
    match outcome {
        Ok(Outcome::Finished(results)) => {
            summary(&results);
            say!("\nReport: {}", folder.join("report.html").display());
            ExitCode::SUCCESS
        }
        Ok(Outcome::Interrupted { finished, planned }) => {
            let folder = folder.display();
            tell!("stopped with {finished} of {planned} parts finished, kept in {folder}; the same command continues");
            ExitCode::from(INTERRUPTED)
        }
        Err(error) => refuse(&error),
    }
}

/// Prints the error; bad arguments, data and folders have an exit code of their own.
pub fn refuse(error: &StudyError) -> ExitCode {
    fail(error, if error.is_usage() { USAGE } else { FAILED })
}
