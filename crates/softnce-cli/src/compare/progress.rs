//! Progress of a comparison: bars over runs and epochs; plain lines where there is no terminal.

use std::io::IsTerminal;

use indicatif::{MultiProgress, ProgressBar};
use softnce_report::results::EpochRecord;
use softnce_terminal::{styled, tell};
use softnce_train::compare::ComparisonProgress;
use softnce_train::runs::{Progress, StepReport};

/// The two bars of a comparison.
pub struct Bars {
    all: MultiProgress,
    runs: ProgressBar,
    epochs: ProgressBar,
    terminal: bool,
}

impl Bars {
    pub fn new() -> Self {
        let all = MultiProgress::new();
        let bar = |template: &str| styled(all.add(ProgressBar::new(0)), template);
        let runs = bar("runs   [{bar:30}] {pos}/{len}  {elapsed}, about {eta} left");
        let epochs = bar("epochs [{bar:30}] {pos}/{len}  {prefix}  {msg}");
        Bars { all, runs, epochs, terminal: std::io::stderr().is_terminal() }
    }

    /// Removes the bars from the terminal.
    pub fn clear(&self) {
        self.epochs.finish_and_clear();
        self.runs.finish_and_clear();
        if self.terminal {
            // If the terminal is gone, so are the bars.
            let _ = self.all.clear();
        }
    }
}

impl ComparisonProgress for Bars {
    fn start_runs(&self, runs: usize, finished: usize) {
        self.runs.set_length(runs as u64);
        self.runs.set_position(finished as u64);
        self.runs.reset_eta();
        if finished > 0 {
            self.note(&format!("continuing: {finished} of {runs} runs are done already"));
        }
    }

    fn run(&self, label: &str) {
        self.epochs.set_position(0);
        self.epochs.set_message("");
        self.epochs.set_prefix(label.to_owned());
        if !self.terminal {
            let length = self.runs.length().unwrap_or(0);
            tell!("run {} of {length}: {label}", self.runs.position() + 1);
        }
    }

    fn finish_run(&self) {
        self.runs.inc(1);
    }
}

impl Progress for Bars {
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

    fn epoch(&self, record: &EpochRecord) {
        self.epochs.set_position(record.epoch as u64);
        let validation =
            record.validation.map_or_else(String::new, |found| format!(", validation {:.1} %", 100.0 * found.top1));
        self.epochs.set_message(format!("loss {:.4}{validation}", record.train_loss));
    }

    fn note(&self, text: &str) {
        if self.terminal { self.runs.suspend(|| tell!("{text}")) } else { tell!("{text}") }
    }
}
