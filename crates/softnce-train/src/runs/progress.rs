//! The receiver of a run's progress.

use softnce_report::results::EpochRecord;

/// Where a run stands after a step.
#[derive(Debug, Clone, Copy)]
pub struct StepReport {
    /// Number of the epoch, from 1.
    pub epoch: usize,
    /// Batches of this epoch that are done.
    pub step: usize,
    /// Batches of an epoch.
    pub steps: usize,
    /// Mean training loss of this epoch so far.
    pub loss: f64,
    /// Training accuracy of this epoch so far, on pictures as augmented and mixed.
    pub top1: f64,
    /// Learning rate now.
    pub learning_rate: f64,
    /// Training pictures a second in this epoch, counted from the last start of the program.
    pub samples_per_second: f64,
    /// Seconds left at this pace.
    pub seconds_left: f64,
}

/// Receives the progress of a run.
pub trait Progress {
    /// The run starts, or continues after `done` of `epochs` epochs.
    fn start(&self, epochs: usize, done: usize, steps: usize);
    /// A batch is done.
    fn step(&self, report: &StepReport);
    /// The epoch is being validated: `done` of `pictures` pictures are evaluated. Not shown unless implemented.
    fn validation(&self, _done: usize, _pictures: usize) {}
    /// An epoch is done and written down.
    fn epoch(&self, record: &EpochRecord);
    /// Something worth saying.
    fn note(&self, text: &str);
}

/// Nobody.
impl Progress for () {
    fn start(&self, _: usize, _: usize, _: usize) {}
    fn step(&self, _: &StepReport) {}
    fn epoch(&self, _: &EpochRecord) {}
    fn note(&self, _: &str) {}
}
