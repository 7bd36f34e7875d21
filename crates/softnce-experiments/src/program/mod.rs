//! The command line of the experiments: a command for each.

mod args;
mod classes;
mod features;
mod graphs;
mod pictures;
mod run;
mod toy;
mod variants;

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use softnce_experiments::variants::STUDIES;
use softnce_experiments::{StudyError, write_report_again};
use softnce_terminal::{CompletionsArguments, EXIT_CODES, ReportArguments, answer, completions, write_reports};

/// Experiments with the soft target InfoNCE family: when the losses help, and why.
///
/// Each command writes study.json, results.json, results.md and report.html to runs/NAME; most also write tables as CSV
/// and figures as SVG. After ctrl-C, SIGTERM, SIGHUP or a kill, or once --time-budget is spent, the same command continues.
#[derive(Debug, Parser)]
#[command(name = "softnce-experiments", version, max_term_width = 100, after_help = EXIT_CODES)]
struct Arguments {
    #[command(subcommand)]
    experiment: Experiment,
}

/// The experiments that are more than variants of a recipe.
#[derive(Debug, Subcommand)]
enum Experiment {
    /// A problem whose truth is known: what each loss estimates.
    Toy(toy::ToyArguments),
    /// The paper's claims on optdigits, Fashion-MNIST, CIFAR-10H and CIFAR-100.
    Pictures(pictures::PicturesArguments),
    /// The paper's claims on features of a pretrained network, each loss tuned.
    Features(features::FeaturesArguments),
    /// Very many classes: quality against samples and time.
    ManyClasses(classes::ClassesArguments),
    /// Node classification on citation graphs with a graph convolutional network.
    Graphs(graphs::GraphsArguments),
    /// Write the report of a finished experiment again, from its results.
    ///
    /// Reads study.json and results.json, and writes report.html, results.md and the figures as this version writes them.
    /// It needs no data and trains nothing.
    Report(ReportArguments),
    /// Print the completions of this program for a shell.
    Completions(CompletionsArguments),
}

/// Reads the command line and runs the experiment that it names.
pub fn run() -> ExitCode {
    let command = STUDIES.iter().fold(Arguments::command(), |all, study| all.subcommand(variants::command(study)));
    let matches = match command.clone().try_get_matches() {
        Ok(matches) => matches,
        Err(error) => return answer(&error),
    };
    if let Some((name, matches)) = matches.subcommand()
        && let Some(study) = STUDIES.iter().find(|study| study.name == name)
    {
        return variants::run(study, matches);
    }
    match Experiment::from_arg_matches(&matches) {
        Ok(Experiment::Toy(arguments)) => toy::run(&arguments),
        Ok(Experiment::Pictures(arguments)) => pictures::run(&arguments),
        Ok(Experiment::Features(arguments)) => features::run(&arguments),
        Ok(Experiment::ManyClasses(arguments)) => classes::run(&arguments),
        Ok(Experiment::Graphs(arguments)) => graphs::run(&arguments),
        Ok(Experiment::Report(arguments)) => write_reports(&arguments, write_report_again, StudyError::is_usage),
        Ok(Experiment::Completions(arguments)) => completions(&arguments, command),
        Err(error) => answer(&error),
    }
}
