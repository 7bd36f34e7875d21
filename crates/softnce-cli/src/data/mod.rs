//! The command `data`: downloads and describes data sets.

pub mod args;
mod fetch;
mod info;
mod list;
mod text;

use std::process::ExitCode;

pub use args::DataArguments;

use args::DataCommand;

pub fn run(arguments: &DataArguments) -> ExitCode {
    match &arguments.command {
        DataCommand::Fetch(arguments) => fetch::run(arguments),
        DataCommand::Info(arguments) => info::run(arguments),
    }
}
