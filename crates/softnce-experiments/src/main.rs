//! The program `softnce-experiments`: a thin layer over the library of the same name.

#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod program;

use std::process::ExitCode;

fn main() -> ExitCode {
    softnce_kernels::system::keep_freed_memory();
    softnce_terminal::show_warnings();
    softnce_terminal::ended(program::run())
}
