//! The program `softnce`: a thin layer over the libraries `softnce-train` and `softnce-bench`.

#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod args;
mod bench;
mod bench_args;
mod compare;
mod data;
mod exit;
mod interrupt;
mod logging;
mod memory;
mod output;
mod progress;
mod run_args;
mod run_progress;
mod runs;
mod size;
mod study;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Arguments, Command};

/// Counts what is allocated, so that the reports can state the peak of a run or a call.
#[global_allocator]
static ALLOCATOR: peak_alloc::PeakAlloc = peak_alloc::PeakAlloc;

fn main() -> ExitCode {
    memory::keep_freed_pages();
    logging::install();
    match Arguments::parse().command {
        Command::Train(arguments) => runs::train(&arguments),
        Command::Eval(arguments) => runs::eval(&arguments),
        Command::Predict(arguments) => runs::predict(&arguments),
        Command::Export(arguments) => runs::export(&arguments),
        Command::Recipes(arguments) => runs::recipes(&arguments),
        Command::Compare(arguments) => compare::run(&arguments),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Toy(arguments) => study::toy(&arguments),
        Command::Study(command) => study::run(&command),
        Command::Data(arguments) => data::run(&arguments),
    }
}
