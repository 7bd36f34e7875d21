//! The progress bar of an experiment.

use softnce_experiments::Progress;
use softnce_terminal::PartBar;

/// The bar over the parts of an experiment.
pub struct StudyBar(PartBar);

impl StudyBar {
    pub fn new() -> Self {
        StudyBar(PartBar::new("part"))
    }

    /// Removes the bar from the terminal.
    pub fn clear(&self) {
        self.0.clear();
    }
}

impl Progress for StudyBar {
    fn start(&self, parts: usize, finished: usize) {
        self.0.start(parts, finished);
    }

    fn part(&self, label: &str) {
        self.0.next(label);
    }

    fn detail(&self, text: String) {
        self.0.detail(text);
    }

    fn note(&self, text: &str) {
        self.0.note(text);
    }

    fn finished(&self) {
        self.0.finished();
    }
}
