//! Progress of a comparison: bars over runs and epochs; plain lines where there is no terminal.

use std::cell::RefCell;
use std::collections::HashSet;

use indicatif::{MultiProgress, ProgressBar};
use softnce_report::results::EpochRecord;
use softnce_terminal::{PartBar, Progress, styled};
use softnce_train::compare::ComparisonProgress;
use softnce_train::runs::{self, StepReport};

/// The two bars of a comparison.
pub struct Bars {
    all: MultiProgress,
    runs: PartBar,
    epochs: ProgressBar,
    /// The runs of a comparison repeat the notes on its recipe and data.
    told: RefCell<HashSet<String>>,
}

impl Bars {
    pub fn new() -> Self {
        let all = MultiProgress::new();
        let bar = |template: &str| styled(all.add(ProgressBar::new(0)), template);
        let runs = PartBar::on(bar("runs   [{bar:30}] {pos}/{len}  {elapsed}, about {eta} left"), "run");
        let epochs = bar("epochs [{bar:30}] {pos}/{len}  {prefix}  {msg}");
        Bars { all, runs, epochs, told: RefCell::default() }
    }

    /// Removes the bars from the terminal.
    pub fn clear(&self) {
        self.epochs.finish_and_clear();
        self.runs.clear();
        // If the terminal is gone, so are the bars.
        let _ = self.all.clear();
    }
}

impl ComparisonProgress for Bars {
    fn start_runs(&self, runs: usize, finished: usize) {
        self.runs.start(runs, finished);
    }

    fn run(&self, label: &str) {
        self.epochs.set_position(0);
        self.epochs.set_message("");
        self.epochs.set_prefix(label.to_owned());
        self.runs.part(label);
    }

    fn finish_run(&self) {
        self.runs.finished();
    }
}

impl runs::Progress for Bars {
    fn start(&self, epochs: usize, _: usize, _: usize) {
        self.epochs.set_length(epochs as u64);
    }

    fn step(&self, report: &StepReport) {
        // Short epochs would flicker.
        if report.steps >= 100 {
            let StepReport { step, steps, loss, samples_per_second, .. } = report;
            self.epochs
                .set_message(format!("batch {step}/{steps}, loss {loss:.4}, {samples_per_second:.0} pictures/s"));
        }
    }

    fn validation(&self, done: usize, pictures: usize) {
        // Small sets would flicker.
        if pictures >= 2000 {
            self.epochs.set_message(format!("validation {done}/{pictures} pictures"));
        }
    }

    fn epoch(&self, record: &EpochRecord) {
        self.epochs.set_position(record.epoch as u64);
        let validation =
            record.validation.map_or_else(String::new, |found| format!(", validation {:.1} %", 100.0 * found.top1));
        self.epochs.set_message(format!("loss {:.4}{validation}", record.train_loss));
    }

    fn note(&self, text: &str) {
        if self.told.borrow_mut().insert(text.to_owned()) {
            self.runs.note(text);
        }
    }
}
