//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use softnce::LossKind;
use softnce_train::compare::CompareConfig;

use crate::bench_args::BenchArguments;
use crate::data::DataArguments;

/// Soft target InfoNCE and its family: train, compare, measure, report.
#[derive(Debug, Parser)]
#[command(name = "softnce", version, max_term_width = 100)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Compare the losses on the embedded UCI optdigits pictures, paired by seed.
    ///
    /// Writes config.toml, results.json, results.csv, results.md (the table) and report.html. Ctrl-C keeps the finished runs; the same command
    /// continues after them.
    Compare(CompareArguments),
    /// Measure time and memory of every path of the computation, side by side.
    ///
    /// Writes results.json, results.csv, results.md (the tables), report.html and its figures as SVG files, all at the
    /// end: Ctrl-C leaves the files of an earlier measurement as they are.
    Bench(BenchArguments),
    /// Bring data sets here, and say what they hold.
    Data(DataArguments),
}

#[derive(Debug, Args)]
pub struct CompareArguments {
    /// Losses to compare, separated by commas [default: all five].
    #[arg(long, value_delimiter = ',', value_name = "LOSS,..", value_parser = parse_loss)]
    pub losses: Option<Vec<LossKind>>,
    /// Number of seeds, the same for every loss.
    #[arg(long, default_value_t = CompareConfig::default().seeds)]
    pub seeds: u64,
    /// Passes over the training pictures.
    #[arg(long, default_value_t = CompareConfig::default().epochs)]
    pub epochs: usize,
    /// Rows of a batch.
    #[arg(long, default_value_t = CompareConfig::default().batch_size)]
    pub batch_size: usize,
    /// Temperature of the losses and of the posterior.
    #[arg(long, default_value_t = CompareConfig::default().temperature, allow_negative_numbers = true)]
    pub temperature: f64,
    /// Power of the class frequencies in the noise distribution: 1 as they are, 0 uniform.
    #[arg(long, default_value_t = CompareConfig::default().alpha, allow_negative_numbers = true)]
    pub alpha: f64,
    /// Candidates of a batch; beyond its own targets they are drawn from the training set [default: the batch size].
    #[arg(long)]
    pub candidates: Option<usize>,
    /// Learning rates tried on the validation split, separated by commas.
    #[arg(long, value_delimiter = ',', value_name = "RATE,..", default_values_t = CompareConfig::default().learning_rates)]
    pub learning_rates: Vec<f64>,
    /// Seeds that each learning rate is tried with; their mean decides.
    #[arg(long, default_value_t = CompareConfig::default().tuning_seeds)]
    pub tuning_seeds: u64,
    /// Name of the run: its folder is runs/NAME.
    #[arg(long, default_value = "compare", conflicts_with = "out")]
    pub name: String,
    /// Folder for the results, instead of runs/NAME.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

impl CompareArguments {
    /// The configuration, with the settings that have no option at their defaults.
    pub fn config(&self) -> CompareConfig {
        let default = CompareConfig::default();
        CompareConfig {
            losses: self.losses.clone().unwrap_or(default.losses),
            seeds: self.seeds,
            epochs: self.epochs,
            batch_size: self.batch_size,
            temperature: self.temperature,
            alpha: self.alpha,
            candidates: self.candidates.unwrap_or(self.batch_size),
            learning_rates: self.learning_rates.clone(),
            tuning_seeds: self.tuning_seeds,
            ..default
        }
    }

    /// Where the results go.
    pub fn folder(&self) -> PathBuf {
        self.out.clone().unwrap_or_else(|| PathBuf::from("runs").join(&self.name))
    }
}

fn parse_loss(name: &str) -> Result<LossKind, softnce::Error> {
    name.parse()
}
