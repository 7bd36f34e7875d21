//! The receiver of a comparison's progress, and the counter of its memory.

use crate::runs::Progress;

/// Receives the progress of a comparison, and that of each run.
pub trait ComparisonProgress: Progress {
    /// The comparison starts with `finished` of `runs` runs already done.
    fn start_runs(&self, runs: usize, finished: usize);
    /// A run starts.
    fn run(&self, label: &str);
    /// The run is over and kept.
    fn finish_run(&self);
}

/// Counts allocated memory; the program installs the allocator.
#[derive(Debug, Clone, Copy)]
pub struct PeakMemory {
    /// Starts counting the peak anew.
    pub reset: fn(),
    /// Largest number of bytes allocated at once since the reset.
    pub peak: fn() -> u64,
}
