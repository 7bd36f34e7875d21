//! Arguments that several experiments take, and what their commands share.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use softnce_terminal::quoted;
use softnce_train::device::DeviceName;

/// The command that starts an experiment.
pub fn program(experiment: &str) -> String {
    format!("cargo run --release -p softnce-experiments -- {experiment}")
}

/// What all experiments take.
#[derive(Debug, Args)]
pub struct StudyArguments {
    /// Folder for the results [default: runs/NAME].
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Start nothing new after this many minutes; the same command continues.
    #[arg(long, value_name = "MINUTES", value_parser = parse_minutes)]
    pub time_budget: Option<Duration>,
}

impl StudyArguments {
    /// Where the results go.
    pub fn folder(&self, name: &str) -> PathBuf {
        self.out.clone().unwrap_or_else(|| PathBuf::from("runs").join(name))
    }
}

/// Trainings at once, unless told otherwise: one per core if the networks are so small that this pays.
pub fn jobs(asked: Option<NonZeroUsize>, small: bool) -> usize {
    let usual = || if small { std::thread::available_parallelism().map_or(1, usize::from) } else { 1 };
    asked.map_or_else(usual, usize::from)
}

/// The words of a command for changes of the recipes and for the device.
pub fn recipe_words(changes: &[String], device: DeviceName) -> impl Iterator<Item = String> {
    let changes = changes.iter().map(|change| format!("--set {}", quoted(change)));
    changes.chain((device != DeviceName::Cpu).then(|| format!("--device {device}")))
}

fn parse_minutes(text: &str) -> Result<Duration, String> {
    let minutes: f64 = text.parse().map_err(|_| format!("{text:?} is not a number of minutes"))?;
    let expected = |_| format!("{text} minutes; expected a finite number, 0 or more");
    Duration::try_from_secs_f64(60.0 * minutes).map_err(expected)
}
