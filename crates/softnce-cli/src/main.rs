//! The program `softnce`: a thin layer over the libraries `softnce-train` and `softnce-bench`.

#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod args;
mod bench;
mod classes;
mod compare;
mod data;
mod moved;
mod report;
mod runs;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use softnce_terminal::{answer, completions, ended, write_reports};

use crate::args::{Arguments, Command};

fn main() -> ExitCode {
    softnce_kernels::system::keep_freed_memory();
    softnce_terminal::show_warnings();
    ended(Arguments::try_parse().map_or_else(|error| answer(&error), |arguments| run(arguments.command)))
}

fn run(command: Command) -> ExitCode {
    match command {
        Command::Train(arguments) => match classes::recipe(&arguments) {
            Some(recipe) => classes::end(recipe.and_then(|recipe| classes::train(&arguments, recipe))),
            None => runs::end(runs::train(&arguments)),
        },
        Command::Eval(arguments) if classes::is_run(&arguments.run) => classes::end(classes::eval(&arguments)),
        Command::Eval(arguments) => runs::end(runs::eval(&arguments)),
        Command::Predict(arguments) if classes::is_run(&arguments.run) => classes::end(classes::predict(&arguments)),
        Command::Predict(arguments) => runs::end(runs::predict(&arguments)),
        Command::Export(arguments) if classes::is_run(&arguments.run) => classes::end(classes::export(&arguments)),
        Command::Export(arguments) => runs::end(runs::export(&arguments)),
        Command::Recipes(arguments) => runs::recipes(&arguments),
        Command::Report(arguments) => write_reports(&arguments, report::again, report::ReportError::is_usage),
        Command::Compare(arguments) => compare::run(&arguments),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Data(arguments) => data::run(&arguments),
        Command::Completions(arguments) => completions(&arguments, Arguments::command()),
        Command::Toy(arguments) => moved::refuse(Some("toy"), &arguments),
        Command::Study(arguments) => moved::refuse(None, &arguments),
    }
}
