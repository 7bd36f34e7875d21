//! The three levels of the model after a context.

use super::followers::List;

/// One level after a context: its counts and what it leaves to the next.
#[derive(Debug, Clone, Copy)]
pub(super) struct Level<'t> {
    pub(super) list: List<'t>,
    discount: f64,
    total: f64,
    pub(super) followers: f64,
    /// The word that has one occurrence less than in the list.
    less: Option<u32>,
}

impl<'t> Level<'t> {
    pub(super) fn new(list: List<'t>, discount: f64) -> Self {
        Level { list, discount, total: f64::from(list.total), followers: list.words.len() as f64, less: None }
    }

    /// Leaves out an occurrence of a word; whether it was the only one.
    pub(super) fn leave_out(&mut self, word: u32) -> bool {
        self.less = Some(word);
        self.total -= 1.0;
        let last = self.list.count(word) == 1;
        self.followers -= f64::from(last);
        last
    }

    /// The probability of a word with this count, from that of the next level.
    fn interpolate(&self, count: u32, next: f64) -> f64 {
        if self.total <= 0.0 {
            return next;
        }
        (f64::from(count) - self.discount).max(0.0) / self.total + self.discount * self.followers / self.total * next
    }

    fn count(&self, word: u32) -> u32 {
        self.list.count(word) - u32::from(self.less == Some(word))
    }
}

/// The three levels after a context, the lowest first.
#[derive(Debug)]
pub(super) struct Levels<'t> {
    pub(super) levels: [Level<'t>; 3],
    pub(super) words: usize,
}

impl Levels<'_> {
    pub(super) fn probability(&self, word: u32) -> f64 {
        self.of_counts(self.levels.map(|level| level.count(word)))
    }

    /// The probability of a word with these counts; it grows with each of them.
    pub(super) fn of_counts(&self, counts: [u32; 3]) -> f64 {
        let uniform = 1.0 / self.words as f64;
        self.levels.iter().zip(counts).fold(uniform, |next, (level, count)| level.interpolate(count, next))
    }
}
