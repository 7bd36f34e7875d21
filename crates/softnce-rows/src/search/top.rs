//! The largest scores of a query.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use ndarray::Array2;
use softnce_kernels::simd::{largest, vectorised};

/// The classes with the largest scores, from the largest down; of equal scores the smaller class first.
#[derive(Debug, Clone, PartialEq)]
pub struct Top {
    /// Classes. Shape: `[queries, k]`.
    pub classes: Array2<u32>,
    /// Their scores. Shape: `[queries, k]`.
    pub scores: Array2<f32>,
}

impl Top {
    /// Lists of `k` entries each, best first.
    pub(super) fn from_lists(k: usize, lists: impl ExactSizeIterator<Item = Vec<Entry>>) -> Self {
        let shape = (lists.len(), k);
        let mut top = Top { classes: Array2::zeros(shape), scores: Array2::zeros(shape) };
        for (query, list) in lists.enumerate() {
            for (place, entry) in list.into_iter().enumerate() {
                top.classes[[query, place]] = entry.class;
                top.scores[[query, place]] = entry.score;
            }
        }
        top
    }
}

/// A class with its finite score. The better one is the smaller one in this order.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub score: f32,
    pub class: u32,
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        // -0.0 counts as 0.0, so that equal scores tie.
        (other.score + 0.0).total_cmp(&(self.score + 0.0)).then(self.class.cmp(&other.class))
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Entry {}

/// The `k` best entries so far. Classes may come in any order: which ones are kept does not depend on it.
#[derive(Debug)]
pub(super) struct Best {
    k: usize,
    /// The worst one on top.
    heap: BinaryHeap<Entry>,
}

impl Best {
    pub(super) fn new(k: usize) -> Self {
        Best { k, heap: BinaryHeap::new() }
    }

    /// A score below this one changes nothing.
    fn bound(&self) -> f32 {
        match self.heap.peek() {
            Some(worst) if self.heap.len() == self.k => worst.score,
            _ => f32::NEG_INFINITY,
        }
    }

    pub(super) fn push(&mut self, entry: Entry) {
        if self.heap.len() < self.k {
            self.heap.push(entry);
        } else if let Some(mut worst) = self.heap.peek_mut()
            && entry < *worst
        {
            *worst = entry;
        }
    }

    /// Adds the scores of consecutive classes from `first` on; `most` is the largest of them.
    pub(super) fn add(&mut self, first: u32, scores: &[f32], most: f32) {
        /// As many scores are compared at once, with vectors, before any is looked at alone.
        const CHUNK: usize = 64;
        if most < self.bound() {
            return;
        }
        for (number, chunk) in scores.chunks(CHUNK).enumerate() {
            let bound = self.bound();
            if vectorised(|| largest(chunk)) < bound {
                continue;
            }
            for (at, &score) in chunk.iter().enumerate().filter(|&(_, &score)| score >= bound) {
                self.push(Entry { score, class: first + (number * CHUNK + at) as u32 });
            }
        }
    }

    /// The entries, best first.
    pub(super) fn into_sorted(self) -> Vec<Entry> {
        self.heap.into_sorted_vec()
    }
}
