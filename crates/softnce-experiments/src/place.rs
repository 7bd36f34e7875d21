//! Where a study runs, and how long it may go on.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use softnce_terminal::Progress;
use softnce_train::device::DeviceName;

/// Where a study of recipes runs, and where its progress is shown.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// The folder of all data, in which the recipes' relative paths lie.
    pub data: &'a Path,
    /// The device.
    pub device: DeviceName,
    /// The folder of the study.
    pub out: &'a Path,
    /// How long it may take.
    pub budget: Budget<'a>,
    /// Shows each training.
    pub progress: &'a dyn Progress,
}

/// How long a study may go on: until it is asked to stop, or until its time is over.
#[derive(Debug, Clone, Copy)]
pub struct Budget<'a> {
    stop: &'a AtomicBool,
    end: Option<Instant>,
}

impl<'a> Budget<'a> {
    /// From now on; without a time, as long as it takes.
    pub fn new(stop: &'a AtomicBool, time: Option<Duration>) -> Self {
        // A time beyond the range of the clock is no limit.
        Budget { stop, end: time.and_then(|time| Instant::now().checked_add(time)) }
    }

    /// Whether nothing more may be started.
    pub fn is_spent(&self) -> bool {
        self.stop.load(Ordering::SeqCst) || self.end.is_some_and(|end| Instant::now() >= end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_on_request_and_when_the_time_is_over() {
        let stop = AtomicBool::new(false);
        assert!(!Budget::new(&stop, None).is_spent());
        assert!(!Budget::new(&stop, Some(Duration::MAX)).is_spent());
        assert!(Budget::new(&stop, Some(Duration::ZERO)).is_spent());
        stop.store(true, Ordering::SeqCst);
        assert!(Budget::new(&stop, None).is_spent());
    }
}
