//! The program `softnce`: a thin layer over the library `softnce-train`.

#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod args;
mod compare;
mod logging;
mod memory;
mod progress;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Arguments, Command};

/// Counts what is allocated, so that the report can state the peak of each run.
#[global_allocator]
static ALLOCATOR: peak_alloc::PeakAlloc = peak_alloc::PeakAlloc;

fn main() -> ExitCode {
    memory::keep_freed_pages();
    logging::install();
    match Arguments::parse().command {
        Command::Compare(arguments) => compare::run(&arguments),
    }
}
