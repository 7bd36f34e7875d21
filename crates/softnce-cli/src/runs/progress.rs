//! Progress of a training run: a bar where there is a terminal, plain lines where there is none.

use std::cell::Cell;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar};
use softnce_report::results::EpochRecord;
use softnce_terminal::{styled, tell};
use softnce_train::runs::{Progress, StepReport};

/// Without a terminal, a line this often and at the end of each epoch.
const EVERY: Duration = Duration::from_secs(60);

/// The bar over the batches of an epoch, with the run's state behind it.
pub struct RunProgress {
    bar: ProgressBar,
    terminal: bool,
    epochs: Cell<usize>,
    last_line: Cell<Instant>,
}

impl RunProgress {
    pub fn new() -> Self {
        let bar = styled(ProgressBar::new(0), "{prefix} [{bar:24}] {pos}/{len}  {msg}");
        let terminal = std::io::stderr().is_terminal();
        RunProgress { bar, terminal, epochs: Cell::new(0), last_line: Cell::new(Instant::now()) }
    }

    /// Takes the bar off the terminal.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }

    fn line(&self, text: &str) {
        if self.terminal { self.bar.suspend(|| tell!("{text}")) } else { tell!("{text}") }
    }
}

impl Progress for RunProgress {
    fn start(&self, epochs: usize, done: usize, steps: usize) {
        self.epochs.set(epochs);
        self.bar.set_length(steps as u64);
        if done > 0 {
            self.line(&format!("continuing after {done} of {epochs} epochs"));
        }
    }

    fn step(&self, report: &StepReport) {
        let StepReport { epoch, step, steps, loss, top1, learning_rate, samples_per_second, seconds_left } = *report;
        let left = HumanDuration(Duration::from_secs_f64(seconds_left.clamp(0.0, 1e9)));
        let accuracy = 100.0 * top1;
        let state = format!(
            "loss {loss:.4}, top-1 {accuracy:.1} %, rate {learning_rate:.2e}, {samples_per_second:.0} pictures/s, {left} left"
        );
        if self.terminal {
            self.bar.set_prefix(format!("epoch {epoch}/{}", self.epochs.get()));
            self.bar.set_length(steps as u64);
            self.bar.set_position(step as u64);
            self.bar.set_message(state);
        } else if self.last_line.get().elapsed() >= EVERY {
            self.last_line.set(Instant::now());
            self.line(&format!("epoch {epoch}/{}, batch {step}/{steps}: {state}", self.epochs.get()));
        }
    }

    fn validation(&self, done: usize, pictures: usize) {
        if self.terminal {
            self.bar.set_prefix("validation");
            self.bar.set_length(pictures as u64);
            self.bar.set_position(done as u64);
            self.bar.set_message("pictures");
        } else if self.last_line.get().elapsed() >= EVERY {
            self.last_line.set(Instant::now());
            self.line(&format!("validation: {done}/{pictures} pictures"));
        }
    }

    fn epoch(&self, record: &EpochRecord) {
        self.last_line.set(Instant::now());
        let EpochRecord { epoch, train_loss, train_top1, learning_rate, samples_per_second, .. } = record;
        let validation = record.validation.map_or_else(String::new, |point| {
            format!("; validation top-1 {:.2} %, NLL {:.4}", 100.0 * point.top1, point.nll)
        });
        let accuracy = 100.0 * train_top1;
        self.line(&format!(
            "epoch {epoch}/{}: loss {train_loss:.4}, top-1 {accuracy:.1} %{validation}; rate {learning_rate:.2e}, \
             {samples_per_second:.0} pictures/s, {} gone",
            self.epochs.get(),
            HumanDuration(Duration::from_secs_f64(record.seconds.clamp(0.0, 1e9)))
        ));
    }

    fn note(&self, text: &str) {
        self.line(text);
    }
}
