//! Who is told of a comparison's progress, and who counts its memory.

use softnce_report::results::EpochRecord;

use crate::runs::StepReport;

/// Told of the comparison's progress.
pub trait Progress {
    /// The comparison starts with `finished` of `runs` runs already there.
    fn start(&self, runs: usize, finished: usize);
    /// A run starts.
    fn run(&self, label: &str);
    /// The run has so many epochs.
    fn epochs(&self, epochs: usize);
    /// A batch of the run is done.
    fn step(&self, report: &StepReport);
    /// An epoch of the run is over.
    fn epoch(&self, record: &EpochRecord);
    /// Something worth saying of the run.
    fn note(&self, text: &str);
    /// The run is over and kept.
    fn finished(&self);
}

/// Counts allocated memory; the program installs the allocator.
pub trait PeakMemory {
    /// Starts counting the peak anew.
    fn reset(&self);
    /// Largest number of bytes allocated at once since the reset.
    fn peak(&self) -> u64;
}
