//! Progress in the terminal: bars over runs and epochs, or over cases; plain lines where there is no terminal.

use std::io::IsTerminal;

use crate::output::tell;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use softnce_train::compare::Progress;
use softnce_train::runs::{EpochRecord, StepReport};

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
        let bar = |template: &str| bar(all.add(ProgressBar::new(0)), template);
        let runs = bar("runs   [{bar:30}] {pos}/{len}  {elapsed} gone, about {eta} left");
        let epochs = bar("epochs [{bar:30}] {pos}/{len}  {prefix}  {msg}");
        Bars { all, runs, epochs, terminal: std::io::stderr().is_terminal() }
    }

    /// Takes the bars off the terminal.
    pub fn clear(&self) {
        self.epochs.finish_and_clear();
        self.runs.finish_and_clear();
        if self.terminal {
            // The last drawing may be gone already; there is nothing to do about it.
            let _ = self.all.clear();
        }
    }
}

impl Progress for Bars {
    fn start(&self, runs: usize, finished: usize) {
        self.runs.set_length(runs as u64);
        self.runs.set_position(finished as u64);
        self.runs.reset_eta();
        if finished > 0 {
            let note = format!("continuing: {finished} of {runs} runs are there already");
            if self.terminal { self.runs.suspend(|| tell!("{note}")) } else { tell!("{note}") }
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

    fn epochs(&self, epochs: usize) {
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
            record.validation.map_or_else(String::new, |look| format!(", validation {:.1} %", 100.0 * look.top1));
        self.epochs.set_message(format!("loss {:.4}{validation}", record.train_loss));
    }

    fn note(&self, text: &str) {
        if self.terminal { self.runs.suspend(|| tell!("{text}")) } else { tell!("{text}") }
    }

    fn finished(&self) {
        self.runs.inc(1);
    }
}

/// The bar over the parts of something: cases of a measurement, parts of a study. It is drawn between them only, so that
/// it costs no call its time.
pub struct PartBar {
    bar: ProgressBar,
    terminal: bool,
}

impl PartBar {
    pub fn new() -> Self {
        let bar = bar(ProgressBar::new(0), "[{bar:30}] {pos}/{len}  {elapsed} gone, about {eta} left  {msg}");
        PartBar { bar, terminal: std::io::stderr().is_terminal() }
    }

    /// Takes the bar off the terminal.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }

    fn begin(&self, parts: usize, finished: usize) {
        self.bar.set_length(parts as u64);
        self.bar.set_position(finished as u64);
        self.bar.reset_eta();
    }

    fn next(&self, kind: &str, label: &str) {
        self.bar.set_message(label.to_owned());
        if !self.terminal {
            let length = self.bar.length().unwrap_or(0);
            tell!("{kind} {} of {length}: {label}", self.bar.position() + 1);
        }
    }
}

impl softnce_bench::Progress for PartBar {
    fn start(&self, cases: usize) {
        self.begin(cases, 0);
    }

    fn case(&self, label: &str) {
        self.next("case", label);
    }

    fn finished(&self) {
        self.bar.inc(1);
    }
}

impl softnce_experiments::Progress for PartBar {
    fn start(&self, parts: usize, finished: usize) {
        self.begin(parts, finished);
        if finished > 0 && !self.terminal {
            tell!("continuing: {finished} of {parts} parts are there already");
        }
    }

    fn part(&self, label: &str) {
        self.next("part", label);
    }

    fn finished(&self) {
        self.bar.inc(1);
    }
}

fn bar(bar: ProgressBar, template: &str) -> ProgressBar {
    let style = ProgressStyle::with_template(template);
    bar.with_style(style.map_or_else(|_| ProgressStyle::default_bar(), |style| style.progress_chars("=> ")))
}
