//! Text for the terminal. Whoever reads may be gone (`| head`, a closed window): that is no reason to end a run, so
//! unlike the standard macros these go on where nobody listens.

use std::fmt::Arguments;
use std::io::Write;

/// A line on standard output.
macro_rules! say {
    ($($text:tt)*) => { $crate::output::out(format_args!("{}\n", format_args!($($text)*))) };
}

/// A line on standard error.
macro_rules! tell {
    ($($text:tt)*) => { $crate::output::err(format_args!("{}\n", format_args!($($text)*))) };
}

pub(crate) use {say, tell};

/// Text on standard output.
pub fn out(text: Arguments<'_>) {
    let _ = std::io::stdout().write_fmt(text);
}

/// Text on standard error.
pub fn err(text: Arguments<'_>) {
    let _ = std::io::stderr().write_fmt(text);
}
