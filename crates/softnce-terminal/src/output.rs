//! Text for the terminal. The reader may be gone (`| head`, a closed window); unlike the standard macros, these then
//! continue silently, so that a run does not end for it.

use std::fmt::Arguments;
use std::io::Write;

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
    let _ = std::io::stdout().write_fmt(text);
}

/// Prints text on standard error.
pub fn err(text: Arguments<'_>) {
    let _ = std::io::stderr().write_fmt(text);
}
