//! The core crate's warnings on their way to Python.

use std::sync::Mutex;

use log::{Level, LevelFilter, Log, Metadata, Record};

/// Warnings that wait for the interpreter.
static WAITING: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Takes the core crate's messages.
struct Collector;

impl Log for Collector {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= Level::Warn && metadata.target().starts_with("softnce")
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            // Never waited for: a fork could have left the lock held.
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

/// What has been collected; Python raises it, from where the user called.
pub(crate) fn take() -> Vec<String> {
    WAITING.try_lock().map(|mut waiting| std::mem::take(&mut *waiting)).unwrap_or_default()
}
