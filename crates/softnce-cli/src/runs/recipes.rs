//! The command `recipes`.

use std::process::ExitCode;

use softnce_train::recipe::{BUILT_IN, Recipe};

use crate::exit::{USAGE, fail};
use crate::run_args::RecipesArguments;

pub fn run(arguments: &RecipesArguments) -> ExitCode {
    let Some(name) = &arguments.name else {
        for (name, text) in BUILT_IN {
            let about: Vec<&str> = text.lines().map_while(|line| line.strip_prefix("# ")).collect();
            println!("{name}\n    {}", about.join("\n    "));
        }
        return ExitCode::SUCCESS;
    };
    // Read, so that a wrong name is refused with the nearest one.
    if let Err(error) = Recipe::read(name, &[]) {
        return fail(&error, USAGE);
    }
    for (known, text) in BUILT_IN {
        if known == name {
            print!("{text}");
        }
    }
    ExitCode::SUCCESS
}
