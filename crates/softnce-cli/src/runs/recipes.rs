//! The command `recipes`.

use std::process::ExitCode;

use softnce_classes::recipe as classes;
use softnce_report::table::wrapped;
use softnce_terminal::{USAGE, fail, out, say};
use softnce_train::recipe::{BUILT_IN, built_in};

use super::args::RecipesArguments;

/// Before each line of a description.
const INDENT: &str = "    ";

pub fn run(arguments: &RecipesArguments) -> ExitCode {
    let Some(name) = &arguments.name else {
        for (name, text) in BUILT_IN.into_iter().chain(classes::BUILT_IN) {
            // The comment at the top, whose lines end where those of the file do.
            let about: Vec<&str> = text.lines().map_while(|line| line.strip_prefix("# ")).collect();
            say!("{name}\n{}", wrapped(&about.join(" "), INDENT));
        }
        return ExitCode::SUCCESS;
    };
    if let Ok(text) = classes::built_in(name) {
        out(format_args!("{text}"));
        return ExitCode::SUCCESS;
    }
    match built_in(name) {
        Ok(text) => {
            out(format_args!("{text}"));
            ExitCode::SUCCESS
        }
        Err(error) => fail(&error, USAGE),
    }
}
