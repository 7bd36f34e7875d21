//! The program `softnce`: a thin layer over the libraries `softnce-train` and `softnce-bench`.

#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod args;
mod bench;
mod bench_args;
mod compare;
mod data;
mod exit;
mod logging;
mod memory;
mod progress;
mod size;

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
        Command::Compare(arguments) => compare::run(&arguments),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Data(arguments) => data::run(&arguments),
    }
}
