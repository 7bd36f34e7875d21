//! The progress of a study.

/// Shows the progress of a study.
pub trait Progress: Sync {
    /// The study starts with `finished` of `parts` parts already there.
    fn start(&self, parts: usize, finished: usize);
    /// A part starts.
    fn part(&self, label: &str);
    /// How far the part is, where that is known.
    fn detail(&self, _text: String) {}
    /// Something worth a line of its own.
    fn note(&self, _text: &str) {}
    /// The part is over and kept.
    fn finished(&self);
}
