//! The command `data fetch`.

use std::io::IsTerminal;
use std::process::ExitCode;

use indicatif::ProgressBar;
use softnce_data::fetch::{self, FetchError, FetchProgress, KnownSet, Stage};
use softnce_terminal::{FAILED, USAGE, fail, format_bytes, say, styled, tell};
use softnce_train::recipe::{BUILT_IN, Recipe};

use super::args::FetchArguments;

pub fn run(arguments: &FetchArguments) -> ExitCode {
    let data = match arguments.data.clone().map_or_else(fetch::cache_folder, Ok) {
        Ok(data) => data,
        Err(error) => return fail(&error, USAGE),
    };
    for set in &arguments.sets {
        tell!("{}; {} to download", set.about, format_bytes(set.bytes()));
        let mut bar = Bar::new();
        let fetched = fetch::fetch(set, &data, &mut |progress| bar.show(progress));
        bar.clear();
        match fetched {
            Ok(folder) => say!("{}", folder.display()),
            Err(FetchError::Store(error)) if error.is_usage() => return fail(&error, USAGE),
            Err(error) => return fail(&error, FAILED),
        }
        for recipe in users(set) {
            tell!("{recipe}");
        }
    }
    ExitCode::SUCCESS
}

/// The built-in recipes that read a set, each with the other sets that it reads.
fn users(set: &KnownSet) -> Vec<String> {
    let recipes = BUILT_IN.iter().filter_map(|(name, _)| Some((name, Recipe::read(name, &[]).ok()?.known_sets())));
    let users = recipes.filter(|(_, sets)| sets.contains(&set)).map(|(name, sets)| {
        let others: Vec<&str> = sets.iter().filter(|other| **other != set).map(|other| other.name.as_str()).collect();
        let others =
            if others.is_empty() { String::new() } else { format!(", which also needs {}", others.join(", ")) };
        format!("next: softnce train {name}{others}")
    });
    users.collect()
}

/// A bar over the file at hand; a line for each tenth of it where there is no terminal.
struct Bar {
    bar: ProgressBar,
    terminal: bool,
    /// What was last shown: the file, the stage, the tenths done.
    shown: Option<(String, Stage, u64)>,
}

impl Bar {
    fn new() -> Self {
        let template = "{msg} [{bar:30}] {bytes} of {total_bytes}  {bytes_per_sec}, about {eta} left";
        Self { bar: styled(ProgressBar::new(0), template), terminal: std::io::stderr().is_terminal(), shown: None }
    }

    fn show(&mut self, progress: FetchProgress<'_>) {
        let tenths = (progress.done.saturating_mul(10)).checked_div(progress.total).unwrap_or(10);
        let same = |(file, stage, _): &(String, Stage, u64)| file == progress.file && *stage == progress.stage;
        if !self.shown.as_ref().is_some_and(same) {
            self.bar.set_length(progress.total);
            self.bar.set_position(progress.done);
            // Otherwise what an earlier call received would count as this one's speed.
            self.bar.reset_eta();
            self.bar.set_message(format!("{} {}", doing(progress.stage), progress.file));
        }
        self.bar.set_position(progress.done);
        let news = self.shown.as_ref().is_none_or(|shown| !same(shown) || shown.2 != tenths);
        if news {
            if !self.terminal {
                tell!("{} {}: {} %", doing(progress.stage), progress.file, 10 * tenths);
            }
            self.shown = Some((progress.file.to_owned(), progress.stage, tenths));
        }
    }

    fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

fn doing(stage: Stage) -> &'static str {
    match stage {
        Stage::Downloading => "downloading",
        Stage::Checking => "checking",
        Stage::Unpacking => "unpacking",
    }
}
