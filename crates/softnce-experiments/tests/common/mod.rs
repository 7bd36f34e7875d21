//! What the tests of the studies share.

pub mod pages;

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use softnce_experiments::{Budget, Progress, StudyError};

/// Asks for a stop once so many parts are finished.
pub struct StopAfter {
    pub stop: AtomicBool,
    left: Mutex<usize>,
}

impl StopAfter {
    pub fn new(parts: usize) -> Self {
        StopAfter { stop: AtomicBool::new(false), left: parts.into() }
    }
}

impl Progress for StopAfter {
    fn start(&self, _: usize, _: usize) {}
    fn part(&self, _: &str) {}
    fn finished(&self) {
        let mut left = self.left.lock().unwrap();
        *left = left.saturating_sub(1);
        if *left == 0 {
            self.stop.store(true, Ordering::SeqCst);
        }
    }
}

/// Runs a study, stopped after so many parts.
pub fn until<T>(
    parts: usize,
    run: impl Fn(Budget<'_>, &dyn Progress) -> Result<T, StudyError>,
) -> Result<T, StudyError> {
    let progress = StopAfter::new(parts);
    run(Budget::new(&progress.stop, None), &progress)
}

/// Runs a study to its end.
pub fn whole<T>(run: impl Fn(Budget<'_>, &dyn Progress) -> Result<T, StudyError>) -> T {
    until(usize::MAX, run).unwrap_or_else(|error| panic!("{error}"))
}

/// Whether the document on experiments names every column of a CSV file, in backticks.
pub fn check_columns(csv: &str) {
    let document = include_str!("../../../../docs/experiments.md");
    for column in csv.lines().next().unwrap().split(',') {
        assert!(document.contains(&format!("`{column}`")), "{column}");
    }
}
