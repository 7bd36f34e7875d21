//! Completions of the command line for shells.

use std::process::ExitCode;

use clap::{Args, Command};
use clap_complete::{Shell, generate};

use crate::output::out;

/// The shell to complete in.
#[derive(Debug, Args)]
pub struct CompletionsArguments {
    /// The shell.
    pub shell: Shell,
}

/// Prints the script that completes this program's command line.
pub fn completions(arguments: &CompletionsArguments, mut command: Command) -> ExitCode {
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    generate(arguments.shell, &mut command, name, &mut script);
    out(format_args!("{}", String::from_utf8_lossy(&script)));
    ExitCode::SUCCESS
}
