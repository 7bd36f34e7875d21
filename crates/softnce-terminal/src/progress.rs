//! A progress bar over the parts of long work; plain lines without a terminal.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressStyle};

use crate::output::err;

/// Shows the progress of work in parts, such as the trainings of a study.
pub trait Progress: Sync {
    /// It starts with `finished` of `parts` parts already there.
    fn start(&self, parts: usize, finished: usize);
    /// A part starts.
    fn part(&self, label: &str);
    /// How far the part is, where that is known.
    fn detail(&self, _text: String) {}
    /// A message on a line of its own.
    fn note(&self, _text: &str) {}
    /// The part is over and kept.
    fn finished(&self);
}

/// A bar over parts: cases of a measurement, trainings of a study. It is drawn only between parts, so that it does not
/// disturb a measurement.
#[derive(Debug)]
pub struct PartBar {
    /// What a part is called: "case".
    part: &'static str,
    bar: ProgressBar,
    terminal: bool,
}

impl PartBar {
    /// An empty bar; `part` is what its lines call a part, such as "case".
    pub fn new(part: &'static str) -> Self {
        let template = "[{bar:30}] {pos}/{len}  {elapsed}, about {eta} left  {prefix}  {msg}";
        PartBar::on(styled(ProgressBar::new(0), template), part)
    }

    /// As [`PartBar::new`], on an existing bar.
    pub fn on(bar: ProgressBar, part: &'static str) -> Self {
        PartBar { part, bar, terminal: std::io::stderr().is_terminal() }
    }

    /// Removes the bar from the terminal.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

impl Progress for PartBar {
    fn start(&self, parts: usize, finished: usize) {
        self.bar.set_length(parts as u64);
        self.bar.set_position(finished as u64);
        self.bar.reset_eta();
        if finished > 0 {
            let part = self.part;
            self.note(&format!("continuing: {finished} of {parts} {part}s are done already"));
        }
    }

    fn part(&self, label: &str) {
        self.bar.set_prefix(label.to_owned());
        self.bar.set_message("");
        if !self.terminal {
            let length = self.bar.length().unwrap_or(0);
            err(format_args!("{} {} of {length}: {label}\n", self.part, self.bar.position() + 1));
        }
    }

    /// Without a terminal, nothing is shown.
    fn detail(&self, text: String) {
        self.bar.set_message(text);
    }

    /// Above the bar.
    fn note(&self, text: &str) {
        let print = || err(format_args!("{text}\n"));
        if self.terminal { self.bar.suspend(print) } else { print() }
    }

    fn finished(&self) {
        self.bar.inc(1);
    }
}

/// Applies the style that all bars share.
pub fn styled(bar: ProgressBar, template: &str) -> ProgressBar {
    let style = ProgressStyle::with_template(template);
    bar.with_style(style.map_or_else(|_| ProgressStyle::default_bar(), |style| style.progress_chars("=> ")))
}
