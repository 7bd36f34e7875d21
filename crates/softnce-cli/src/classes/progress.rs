//! Progress of a run over many classes: a bar where there is a terminal, plain lines where there is none.

use std::cell::Cell;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar};
use softnce_classes::run::{Evaluation, Progress, StepReport};
use softnce_terminal::{styled, tell};

/// Without a terminal, a line this often and at each evaluation.
const EVERY: Duration = Duration::from_secs(60);

/// A bar over the steps.
pub struct ClassesProgress {
    bar: ProgressBar,
    terminal: bool,
    last_line: Cell<Instant>,
}

impl ClassesProgress {
    pub fn new() -> Self {
        let bar = styled(ProgressBar::new(0), "[{bar:24}] {pos}/{len} steps  {msg}");
        ClassesProgress { bar, terminal: std::io::stderr().is_terminal(), last_line: Cell::new(Instant::now()) }
    }

    /// Takes the bar off the terminal.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }

    fn line(&self, text: &str) {
        if self.terminal { self.bar.suspend(|| tell!("{text}")) } else { tell!("{text}") }
    }
}

impl Progress for ClassesProgress {
    fn warned(&self, warning: &str) {
        self.line(&format!("warning: {warning}"));
    }

    fn step(&self, report: &StepReport) {
        let StepReport { step, steps, loss, classes, rows_per_second, seconds_left } = *report;
        let left = HumanDuration(Duration::from_secs_f64(seconds_left.clamp(0.0, 1e9)));
        let state = format!("loss {loss:.4}, {classes} classes a step, {rows_per_second:.0} rows/s, {left} left");
        if self.terminal {
            self.bar.set_length(steps);
            self.bar.set_position(step);
            self.bar.set_message(state);
        } else if self.last_line.get().elapsed() >= EVERY {
            self.last_line.set(Instant::now());
            self.line(&format!("step {step}/{steps}: {state}"));
        }
    }

    fn evaluated(&self, evaluation: &Evaluation) {
        self.last_line.set(Instant::now());
        let precision = evaluation.ranking.at.first();
        let precision =
            precision.map_or_else(String::new, |at| format!(", precision at {} {:.2} %", at.k, 100.0 * at.precision));
        let loss = evaluation.train_loss.map_or_else(String::new, |loss| format!("loss {loss:.4}, "));
        self.line(&format!("step {}: {loss}test NLL {:.4}{precision}", evaluation.step, evaluation.nll));
    }
}
