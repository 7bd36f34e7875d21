//! The most probable words.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};

use super::levels::Levels;

/// Words taken from each long list between two looks at what the others can still have.
const STEP: usize = 16;

/// A probability and its word, by probability and then the smaller word.
#[derive(Debug, PartialEq)]
struct Ranked(f64, Reverse<u32>);

impl Eq for Ranked {}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0).then_with(|| self.1.cmp(&other.1))
    }
}

/// The most probable words, without the probabilities of all: the threshold algorithm (Fagin, Lotem and Naor, "Optimal
/// aggregation algorithms for middleware", 2003).
///
/// The probability grows with the counts at each level. So a word that was met in no list has at most the probability
/// of the counts that the lists have reached, each from its largest count down.
pub(super) fn most_probable(levels: &Levels<'_>, count: usize) -> Vec<(u32, f64)> {
    let count = count.min(levels.words);
    let mut best = BinaryHeap::with_capacity(count + 1);
    let mut seen = HashSet::new();
    let mut meet = |word: u32, best: &mut BinaryHeap<Reverse<Ranked>>| {
        if seen.insert(word) {
            best.push(Reverse(Ranked(levels.probability(word), Reverse(word))));
            if best.len() > count {
                best.pop();
            }
        }
    };
    // All words of short lists, which then have none that was not met.
    for level in levels.levels.iter().filter(|level| level.list.order.is_none()) {
        level.list.words.iter().for_each(|&word| meet(word, &mut best));
    }
    let longest = levels.levels.iter().filter_map(|level| level.list.order).map(<[u32]>::len).max().unwrap_or(0);
    for depth in (0..longest).step_by(STEP) {
        let mut reached = [0; 3];
        for (level, reached) in levels.levels.iter().zip(&mut reached) {
            let order = level.list.order.unwrap_or_default();
            for &place in order.iter().skip(depth).take(STEP) {
                meet(level.list.words[place as usize], &mut best);
            }
            *reached = order.get(depth + STEP).map_or(0, |&place| level.list.counts[place as usize]);
        }
        let bound = levels.of_counts(reached);
        // A word of the same probability could come first.
        if best.len() == count && best.peek().is_none_or(|Reverse(least)| least.0 > bound) {
            break;
        }
    }
    let ranked = best.into_sorted_vec();
    ranked.into_iter().map(|Reverse(Ranked(probability, Reverse(word)))| (word, probability)).collect()
}
