//! The candidates one after another, each with its classes in ascending order.

use softnce_kernels::parallel::{SHARING, for_each, threads_for};
use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Columns;
use crate::targets::{Compact, Rows};
use crate::{Accum, Batch};

/// Stands for a class that is not there.
pub(super) const NONE: u32 = u32::MAX;

/// Candidates that a thread takes at once.
const AT_ONCE: usize = 4096;

/// A candidate's first two classes, or later their lines; [`NONE`] where there are fewer.
#[derive(Clone, Copy)]
pub(super) struct Entry<A> {
    pub(super) first: u32,
    pub(super) second: u32,
    pub(super) first_weight: A,
    pub(super) second_weight: A,
}

/// All candidates of a batch whose rows are compact or hard.
pub(super) struct Listing<A> {
    pub(super) entries: Vec<Entry<A>>,
    /// Classes and weights beyond the first two; empty where no candidate has any.
    pub(super) rest: Vec<(u32, A)>,
    /// Where those of each candidate end; empty where none has any.
    pub(super) rest_ends: Vec<u32>,
    /// The uniform shares; empty where all are equal, for then they cancel.
    pub(super) uniform: Vec<A>,
    /// Whether a weight is below 0: a class below its uniform share.
    pub(super) below: bool,
}

impl<A: Accum> Entry<A> {
    fn empty() -> Self {
        Entry { first: NONE, second: NONE, first_weight: A::zero(), second_weight: A::zero() }
    }

    /// Of classes that differ; a weight of 0 counts as none.
    #[inline(always)]
    fn new(a: (u32, f64), b: (u32, f64)) -> Self {
        // By index and not by branch: which class is the smaller no processor can guess.
        let marked = |(class, weight): (u32, f64)| (if weight == 0.0 { NONE } else { class }, A::of(weight));
        let both = [marked(a), marked(b)];
        let lower = usize::from(both[1].0 < both[0].0);
        let ((first, first_weight), (second, second_weight)) = (both[lower], both[1 - lower]);
        Entry { first, second, first_weight, second_weight }
    }
}

impl<A: Accum> Listing<A> {
    /// Lists the candidates; `equal_shares` tells whether the uniform shares cancel.
    pub(super) fn new(batch: &Batch<'_>, equal_shares: bool) -> Self {
        let candidates = batch.candidates();
        let mut listing = Listing {
            entries: vec![Entry::empty(); candidates],
            rest: Vec::new(),
            rest_ends: Vec::new(),
            uniform: Vec::new(),
            below: false,
        };
        let longest = |rows: &Rows<'_>| match rows {
            Rows::Compact(rows) => rows.classes.ncols(),
            _ => 1,
        };
        if batch.segments().iter().any(|segment| longest(&segment.rows) > 2) {
            listing.fill_with_rest(batch);
        } else {
            listing.fill(batch);
        }
        if !equal_shares {
            listing.uniform = all_shares(batch);
        }
        listing
    }

    /// Candidates of at most two classes, which do not depend on one another.
    fn fill(&mut self, batch: &Batch<'_>) {
        let below = AtomicBool::new(false);
        let threads = threads_for(8 * self.entries.len(), SHARING, self.entries.len().div_ceil(AT_ONCE));
        let mut left = &mut self.entries[..];
        let segments = batch.segments().iter().map(|segment| {
            let (entries, others) = std::mem::take(&mut left).split_at_mut(segment.len());
            left = others;
            (&segment.rows, entries)
        });
        let segments: Vec<_> = segments.collect();
        let parts = segments.into_iter().flat_map(|(rows, entries)| {
            let numbered = entries.chunks_mut(AT_ONCE).enumerate();
            numbered.map(move |(part, entries)| (rows, part * AT_ONCE, entries))
        });
        let outcome = for_each(
            threads,
            parts,
            || (),
            |(), (rows, first, entries)| {
                match rows {
                    Rows::Hard(labels) => {
                        let labels = labels.slice(ndarray::s![first..]);
                        let labelled = entries.iter_mut().zip(labels);
                        labelled.for_each(|(entry, &label)| *entry = Entry::new((label, 1.0), (0, 0.0)));
                    }
                    Rows::Compact(rows) => {
                        if fill_compact(rows, first, entries) {
                            below.store(true, Ordering::Relaxed);
                        }
                    }
                    Rows::Dense(_) => {}
                }
                Ok::<(), Infallible>(())
            },
        );
        let Ok(()) = outcome;
        self.below = below.into_inner();
    }

    /// Candidates with further classes, in turn.
    fn fill_with_rest(&mut self, batch: &Batch<'_>) {
        let mut terms: Vec<(u32, f64)> = Vec::new();
        let mut entries = self.entries.iter_mut();
        for segment in batch.segments() {
            for row in 0..segment.len() {
                terms.clear();
                match &segment.rows {
                    Rows::Hard(labels) => terms.push((labels[row], 1.0)),
                    Rows::Compact(rows) => {
                        // A class that stands twice has all its weight at its first place.
                        let (classes, weights) = rows.row(row);
                        let listed = classes.iter().copied().zip(weights.iter().copied());
                        terms.extend(listed.filter(|&(_, weight)| weight != 0.0));
                        terms.sort_unstable_by_key(|&(class, _)| class);
                    }
                    Rows::Dense(_) => {}
                }
                self.below |= terms.iter().any(|&(_, weight)| weight < 0.0);
                let term = |at: usize| terms.get(at).copied().unwrap_or((0, 0.0));
                if let Some(entry) = entries.next() {
                    *entry = Entry::new(term(0), term(1));
                }
                self.rest.extend(terms.iter().skip(2).map(|&(class, weight)| (class, A::of(weight))));
                self.rest_ends.push(self.rest.len() as u32);
            }
        }
        if self.rest.is_empty() {
            self.rest_ends.clear();
        }
    }

    /// Classes and weights beyond the first two of a candidate.
    pub(super) fn rest_of(&self, candidate: usize) -> &[(u32, A)] {
        let Some(&end) = self.rest_ends.get(candidate) else { return &[] };
        let start = if candidate == 0 { 0 } else { self.rest_ends[candidate - 1] };
        &self.rest[start as usize..end as usize]
    }

    /// The columns that get a line: every one where a large part of the `classes` occurs, else those that occur. Classes
    /// become lines.
    pub(super) fn take_lines(&mut self, classes: usize) -> Columns {
        // With as many candidates as classes, marking those that occur costs more than it could save.
        if self.entries.len() >= classes {
            return Columns::All(classes);
        }
        let mut lines = vec![NONE; classes];
        self.for_each_class(|class| lines[*class as usize] = 0);
        let count = lines.iter().filter(|&&mark| mark == 0).count();
        // Where they are few, their columns are picked one by one, at some eight times the cost of one in a stretch.
        if count * 8 >= classes {
            return Columns::All(classes);
        }
        let listed: Vec<u32> = (0..classes as u32).filter(|&class| lines[class as usize] == 0).collect();
        (0..).zip(&listed).for_each(|(line, &class)| lines[class as usize] = line);
        self.for_each_class(|class| *class = lines[*class as usize]);
        Columns::Listed(listed)
    }

    fn for_each_class(&mut self, mut work: impl FnMut(&mut u32)) {
        let pairs = self.entries.iter_mut().flat_map(|entry| [&mut entry.first, &mut entry.second]);
        pairs.filter(|class| **class != NONE).for_each(&mut work);
        self.rest.iter_mut().for_each(|(class, _)| work(class));
    }
}

/// Fills in rows of at most two terms, from the first on; whether a weight is below 0.
fn fill_compact<A: Accum>(rows: &Compact<'_>, first: usize, entries: &mut [Entry<A>]) -> bool {
    let terms = rows.classes.ncols();
    let (classes, weights) = rows.terms_from(first);
    let mut below = false;
    if terms == 2 {
        for ((classes, weights), entry) in
            classes.as_chunks::<2>().0.iter().zip(weights.as_chunks::<2>().0).zip(entries)
        {
            below |= weights[0] < 0.0 || weights[1] < 0.0;
            *entry = Entry::new((classes[0], weights[0]), (classes[1], weights[1]));
        }
    } else {
        // One term, or none at all.
        for ((&class, &weight), entry) in classes.iter().zip(weights).zip(entries) {
            below |= weight < 0.0;
            *entry = Entry::new((class, weight), (0, 0.0));
        }
    }
    below
}

/// The uniform shares of all candidates.
fn all_shares<A: Accum>(batch: &Batch<'_>) -> Vec<A> {
    let mut shares = Vec::with_capacity(batch.candidates());
    for segment in batch.segments() {
        match &segment.rows {
            Rows::Compact(rows) => shares.extend(rows.uniform.iter().map(|&share| A::of(share))),
            _ => shares.extend(std::iter::repeat_n(A::zero(), segment.len())),
        }
    }
    shares
}
