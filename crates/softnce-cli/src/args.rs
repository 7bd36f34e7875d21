//! The command line.

use clap::{Parser, Subcommand};
use softnce_terminal::{CompletionsArguments, EXIT_CODES, ReportArguments};

use crate::bench::BenchArguments;
use crate::compare::CompareArguments;
use crate::data::DataArguments;
use crate::moved::MovedArguments;
use crate::runs::{EvalArguments, ExportArguments, PredictArguments, RecipesArguments, TrainArguments};

/// Train, compare and measure soft target InfoNCE and related losses.
#[derive(Debug, Parser)]
#[command(name = "softnce", version, max_term_width = 100, after_help = EXIT_CODES)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Train a network from a recipe.
    ///
    /// Writes to runs/NAME: recipe.toml, run.json, last.safetensors, best.safetensors; history.jsonl and an event file for
    /// TensorBoard after each epoch; at the end history.csv, metrics.json and report.html. After ctrl-C, SIGTERM, SIGHUP or
    /// a kill, the same command continues from the last checkpoint, with the same result. A recipe over many classes (with a
    /// data.kind, such as many-classes) writes run.json, last.json and the tables in rows; at the end results.json,
    /// results.csv, results.md and report.html.
    Train(TrainArguments),
    /// Evaluate a trained run on its test pictures.
    ///
    /// Without --data, the data folder is that of the training, if the set is still there.
    Eval(EvalArguments),
    /// Predict the classes of pictures with a trained run.
    ///
    /// Writes CSV, a row for each picture as soon as it is there. A picture that cannot be read has a row with its error;
    /// the exit code is then 1. For a run over many classes: the K most probable classes (--top) of each row of a file
    /// (.npy, .safetensors or sparse text).
    Predict(PredictArguments),
    /// Export a trained run as safetensors, under timm's and torchvision's names, or as ONNX.
    ///
    /// Prints Python that loads the file and predicts with it: to a file with `softnce export RUN FILE > load.py`. A run over
    /// many classes is exported as safetensors only, without this Python.
    Export(ExportArguments),
    /// List the built-in recipes, or print one.
    Recipes(RecipesArguments),
    /// Compare the losses on one recipe, paired by seed.
    ///
    /// By default on the built-in optdigits pictures. Writes to runs/compare: recipe.toml, results.json, results.csv,
    /// results.md, report.html, figure.svg, and a folder for each run. After ctrl-C, SIGTERM, SIGHUP or a kill, the same
    /// command continues.
    Compare(CompareArguments),
    /// Write the report of a finished run or comparison again, from its results.
    ///
    /// Reads metrics.json of a run, or results.json of a comparison or a run over many classes, and writes report.html and
    /// the tables in Markdown as this version writes them. It needs no data and trains nothing.
    Report(ReportArguments),
    /// Measure time and memory of each way to compute the losses.
    ///
    /// Writes to runs/bench: results.json, results.csv, results.md, report.html and figures as SVG. Files are written at
    /// the end; Ctrl-C before it leaves earlier results as they are.
    Bench(BenchArguments),
    /// Download and describe data sets.
    Data(DataArguments),
    /// Print the completions of this program for a shell.
    ///
    /// For example `softnce completions bash > ~/.local/share/bash-completion/completions/softnce`.
    Completions(CompletionsArguments),
    /// Now `softnce-experiments toy`.
    #[command(hide = true, disable_help_flag = true)]
    Toy(MovedArguments),
    /// Now commands of `softnce-experiments`.
    #[command(hide = true, disable_help_flag = true)]
    Study(MovedArguments),
}
