//! Passes the warnings of the core crate on to Python.

use std::sync::Mutex;

use log::{Level, LevelFilter, Log, Metadata, Record};

/// Warnings that Python has not issued yet.
static WAITING: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Collects the messages of the core crate.
struct Collector;

impl Log for Collector {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= Level::Warn && metadata.target().starts_with("softnce")
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            // Never wait for the lock: a fork could have left it held.
            if let Ok(mut waiting) = WAITING.try_lock() {
                waiting.push(record.args().to_string());
            }
        }
    }

    fn flush(&self) {}
}

/// Starts collecting.
pub(crate) fn collect() {
    static COLLECTOR: Collector = Collector;
    if log::set_logger(&COLLECTOR).is_ok() {
        log::set_max_level(LevelFilter::Warn);
    }
}

/// Returns and clears the collected warnings. Python issues them at the line of the user's call.
pub(crate) fn take() -> Vec<String> {
    WAITING.try_lock().map(|mut waiting| std::mem::take(&mut *waiting)).unwrap_or_default()
}
