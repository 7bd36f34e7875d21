//! The studies.

mod args;
mod graphs;
mod pictures;
mod toy;
mod variants;

use std::path::Path;
use std::process::ExitCode;

pub use args::{StudyCommand, ToyArguments};
use softnce_experiments::variants::{ablations, human_labels, long_tails};
use softnce_experiments::{Outcome, StudyError};

use crate::exit::{FAILED, INTERRUPTED, USAGE, fail};
use crate::output::{say, tell};

/// The command `study`.
pub fn run(command: &StudyCommand) -> ExitCode {
    match command {
        StudyCommand::Toy(arguments) => toy::run(arguments),
        StudyCommand::Pictures(arguments) => pictures::run(arguments),
        StudyCommand::Graphs(arguments) => graphs::run(arguments),
        StudyCommand::Ablations(arguments) => variants::run("ablations", ablations(), cores(), arguments),
        StudyCommand::LongTail(arguments) => variants::run("long-tail", long_tails(), 1, arguments),
        StudyCommand::Human(arguments) => variants::run("human", human_labels(), 1, arguments),
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// The command `toy`.
pub fn toy(arguments: &ToyArguments) -> ExitCode {
    toy::run(arguments)
}

/// Says how a study ended; `summary` says what it found.
fn end<T>(outcome: Result<Outcome<T>, StudyError>, folder: &Path, summary: impl Fn(&T)) -> ExitCode {
    match outcome {
        Ok(Outcome::Finished(results)) => {
            summary(&results);
            say!("\nReport: {}", folder.join("report.html").display());
            ExitCode::SUCCESS
        }
        Ok(Outcome::Interrupted { finished, planned }) => {
            let folder = folder.display();
            tell!(
                "stopped with {finished} of {planned} parts finished and kept in {folder}; the same command continues"
            );
            ExitCode::from(INTERRUPTED)
        }
        Err(error) => fail(&error, if is_usage(&error) { USAGE } else { FAILED }),
    }
}

/// Whether the arguments, the data or the folder are at fault, and nothing was trained.
fn is_usage(error: &StudyError) -> bool {
    if let StudyError::Run(error) = error {
        return error.is_usage();
    }
    matches!(
        error,
        StudyError::Argument { .. }
            | StudyError::Name { .. }
            | StudyError::OtherStudy { .. }
            | StudyError::ForeignFolder { .. }
            | StudyError::Corrupt { .. }
            | StudyError::Recipe(..)
            | StudyError::File { action: "read" | "understand", .. }
    )
}
