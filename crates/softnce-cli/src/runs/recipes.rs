//! The command `recipes`.

use std::process::ExitCode;

use softnce_terminal::{USAGE, fail, out, say};
use softnce_train::recipe::{BUILT_IN, built_in};

use super::args::RecipesArguments;

pub fn run(arguments: &RecipesArguments) -> ExitCode {
    let Some(name) = &arguments.name else {
        for (name, text) in BUILT_IN {
            let about: Vec<&str> = text.lines().map_while(|line| line.strip_prefix("# ")).collect();
            say!("{name}\n    {}", about.join("\n    "));
        }
        return ExitCode::SUCCESS;
    };
    match built_in(name) {
        Ok(text) => {
            out(format_args!("{text}"));
            ExitCode::SUCCESS
        }
        Err(error) => fail(&error, USAGE),
    }
}
