//! What the programs share in a terminal: progress bars, warnings, signals, exit codes, output that does not fail when
//! the pipe is closed, common arguments and commands, formatting and parsing of sizes in bytes, and an
//! allocator that counts the allocated bytes.

#![forbid(unsafe_code)]
#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod arguments;
mod completions;
mod exit;
mod logging;
mod memory;
mod output;
mod progress;
mod report;
mod signals;
mod size;

pub use arguments::{PlaceArguments, quoted};
pub use completions::{CompletionsArguments, completions};
pub use exit::{EXIT_CODES, FAILED, USAGE, answer, ended, fail};
pub use logging::show_warnings;
pub use memory::{peak_memory, reset_peak_memory};
pub use output::{err, out};
pub use progress::{PartBar, Progress, styled};
pub use report::{ReportArguments, write_reports};
pub use signals::{code, interrupted, on_signal, stop_on_signal};
pub use size::{format_bytes, parse_bytes};
