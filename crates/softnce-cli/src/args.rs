//! The command line.

use clap::{Parser, Subcommand};

use crate::bench::BenchArguments;
use crate::compare::CompareArguments;
use crate::data::DataArguments;
use crate::moved::MovedArguments;
use crate::runs::{EvalArguments, ExportArguments, PredictArguments, RecipesArguments, TrainArguments};

/// Soft target InfoNCE and its family: train, compare, measure, report.
#[derive(Debug, Parser)]
#[command(name = "softnce", version, max_term_width = 100)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Train a network from a recipe: a TOML file, or one of those that `softnce recipes` lists.
    ///
    /// Writes recipe.toml, run.json, the checkpoints last.safetensors and best.safetensors, history.csv, metrics.json
    /// and report.html. Ctrl-C, or a kill, keeps the last checkpoint; the same command goes on from it and ends with
    /// the same weights.
    Train(TrainArguments),
    /// Evaluate a trained run on the test pictures of its recipe.
    Eval(EvalArguments),
    /// Predict the classes of pictures with a trained run.
    Predict(PredictArguments),
    /// Export the weights of a trained run as safetensors, under the names that timm and torchvision know.
    Export(ExportArguments),
    /// List the recipes that come with the program, or print one.
    Recipes(RecipesArguments),
    /// Compare losses over one recipe, paired by seed: by default over the embedded UCI optdigits pictures.
    ///
    /// Writes recipe.toml, results.json, results.csv, results.md (the table), report.html, its main figure as figure.svg,
    /// and a folder below runs/ for each run. Ctrl-C, or a kill, keeps what is there; the same command continues after it.
    Compare(CompareArguments),
    /// Measure time and memory of every path of the computation, side by side.
    ///
    /// Writes results.json, results.csv, results.md (the tables), report.html and its figures as SVG files, all at the
    /// end: Ctrl-C leaves the files of an earlier measurement as they are.
    Bench(BenchArguments),
    /// Bring data sets here, and say what they hold.
    Data(DataArguments),
    /// Now `softnce-experiments toy`.
    #[command(hide = true, disable_help_flag = true)]
    Toy(MovedArguments),
    /// Now commands of `softnce-experiments`.
    #[command(hide = true, disable_help_flag = true)]
    Study(MovedArguments),
}
