//! Text for the terminal. If its reader is gone (`| head`, a closed window), the standard macros panic; these continue,
//! so that a run does not end because of it. Text that a full disk lost makes the exit code of the program a failure.

use std::fmt::Arguments;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether a full disk lost text for standard output.
static LOST: AtomicBool = AtomicBool::new(false);

/// Prints a line on standard output.
#[macro_export]
macro_rules! say {
    ($($text:tt)*) => { $crate::out(format_args!("{}\n", format_args!($($text)*))) };
}

/// Prints a line on standard error.
#[macro_export]
macro_rules! tell {
    ($($text:tt)*) => { $crate::err(format_args!("{}\n", format_args!($($text)*))) };
}

/// Prints text on standard output.
pub fn out(text: Arguments<'_>) {
    note(io::stdout().write_fmt(text));
}

/// Whether a full disk lost none of the text for standard output.
pub(crate) fn is_complete() -> bool {
    note(io::stdout().flush());
    !LOST.load(Ordering::SeqCst)
}

/// Reports the first error of a full disk.
pub(crate) fn note(written: io::Result<()>) {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    if let Err(error) = written
        && matches!(error.kind(), FileTooLarge | QuotaExceeded | StorageFull)
        && !LOST.swap(true, Ordering::SeqCst)
    {
        err(format_args!("error: cannot write standard output: {error}\n"));
    }
}

/// Prints text on standard error.
pub fn err(text: Arguments<'_>) {
    let _ = io::stderr().write_fmt(text);
}
