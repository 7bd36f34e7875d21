//! Warnings of the libraries, on standard error.

use crate::output::err;

struct Warnings;

impl log::Log for Warnings {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.level() <= log::Level::Warn
    }

    fn log(&self, record: &log::Record<'_>) {
        if self.enabled(record.metadata()) {
            err(format_args!("{}: {}\n", word(record.level()), record.args()));
        }
    }

    fn flush(&self) {}
}

/// The word before a message, as before the messages of the programs themselves.
fn word(level: log::Level) -> &'static str {
    match level {
        log::Level::Error => "error",
        _ => "warning",
    }
}

/// Shows warnings and errors of all libraries from here on.
pub fn show_warnings() {
    // This fails only if a logger is installed already, which then shows them.
    if log::set_logger(&Warnings).is_ok() {
        log::set_max_level(log::LevelFilter::Warn);
    }
}
