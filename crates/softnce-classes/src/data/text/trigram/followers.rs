//! Counts of the words that follow contexts.

use std::collections::HashMap;

/// Longest list whose words are all looked at; of longer ones the most frequent words come first.
const SHORT: usize = 128;

/// For each context, the words that follow it with their counts.
#[derive(Debug, Default)]
pub(super) struct Followers {
    ends: Vec<u32>,
    /// In ascending order for each context.
    words: Vec<u32>,
    counts: Vec<u32>,
    totals: Vec<u32>,
    /// The places in long lists, the largest count first.
    orders: HashMap<u32, Vec<u32>>,
}

/// The words that follow a context.
#[derive(Debug, Clone, Copy)]
pub(super) struct List<'f> {
    pub(super) words: &'f [u32],
    pub(super) counts: &'f [u32],
    /// Sum of the counts.
    pub(super) total: u32,
    /// The places in a long list, the largest count first; `None`: a short one.
    pub(super) order: Option<&'f [u32]>,
}

impl List<'_> {
    pub(super) const EMPTY: List<'static> = List { words: &[], counts: &[], total: 0, order: None };

    /// How often a word follows.
    pub(super) fn count(&self, word: u32) -> u32 {
        // In the list of all words, each is at its own place.
        if self.words.get(word as usize) == Some(&word) {
            return self.counts[word as usize];
        }
        self.words.binary_search(&word).map_or(0, |place| self.counts[place])
    }
}

impl Followers {
    /// Adds a word to the last context, behind its others.
    pub(super) fn push(&mut self, word: u32, count: u32) {
        self.words.push(word);
        self.counts.push(count);
    }

    /// Ends the last context.
    pub(super) fn end_context(&mut self) {
        let (context, start) = (self.ends.len() as u32, self.ends.last().map_or(0, |&end| end as usize));
        let counts = &self.counts[start..];
        self.totals.push(counts.iter().sum());
        if counts.len() > SHORT {
            self.orders.insert(context, by_count(counts));
        }
        self.ends.push(self.words.len() as u32);
    }

    /// The list of a context; empty for one that does not exist.
    pub(super) fn get(&self, context: usize) -> List<'_> {
        let Some(&end) = self.ends.get(context) else { return List::EMPTY };
        let start = if context == 0 { 0 } else { self.ends[context - 1] };
        let range = start as usize..end as usize;
        List {
            words: &self.words[range.clone()],
            counts: &self.counts[range],
            total: self.totals[context],
            order: self.orders.get(&(context as u32)).map(Vec::as_slice),
        }
    }

    /// All counts.
    pub(super) fn counts(&self) -> &[u32] {
        &self.counts
    }
}

/// The places of counts, the largest first, and of equal ones the first.
pub(super) fn by_count(counts: &[u32]) -> Vec<u32> {
    let mut order: Vec<u32> = (0..counts.len() as u32).collect();
    order.sort_by(|&one, &other| counts[other as usize].cmp(&counts[one as usize]));
    order
}
