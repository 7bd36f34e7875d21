//! The commands `toy` and `study`, which now belong to a program of their own.

use std::process::ExitCode;

use clap::Args;
use softnce_terminal::{USAGE, quoted, tell};

/// Whatever followed the command.
#[derive(Debug, Args)]
pub struct MovedArguments {
    /// The old command's arguments.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<String>,
}

/// Names the command that takes its place; `experiment` is the first word that the old command did not have.
pub fn refuse(experiment: Option<&str>, arguments: &MovedArguments) -> ExitCode {
    let words = experiment.into_iter().chain(arguments.words.iter().map(String::as_str));
    let words: Vec<String> = words.map(quoted).collect();
    tell!(
        "error: the experiments are a program of their own; run `cargo run --release -p softnce-experiments -- {}`",
        if words.is_empty() { "--help".to_owned() } else { words.join(" ") }
    );
    ExitCode::from(USAGE)
}
