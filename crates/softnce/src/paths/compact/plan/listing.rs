//! The list of all candidates, each with its classes in ascending order.

use std::sync::atomic::{AtomicBool, Ordering};

use softnce_kernels::parallel::{SHARING, for_each_part, threads_for};

use super::columns::Columns;
use super::further::Further;
use crate::targets::{Compact, Rows};
use crate::{Accum, Batch};

/// Marks a class that does not exist.
pub(super) const NONE: u32 = u32::MAX;

/// Candidates that a thread takes at a time.
const AT_ONCE: usize = 4096;

/// A candidate's first two classes, after [`Listing::take_lines`] their lines; [`NONE`] if it has fewer.
#[derive(Clone, Copy)]
pub(super) struct FirstTwo<A> {
    pub(super) first: u32,
    pub(super) second: u32,
    pub(super) first_weight: A,
    pub(super) second_weight: A,
}

/// All candidates of a batch of compact and hard targets.
pub(super) struct Listing<A> {
    pub(super) candidates: Vec<FirstTwo<A>>,
    /// Classes, or lines, and weights beyond the first two.
    pub(super) further: Further<(u32, A)>,
    /// The uniform shares; empty if all are equal, because then they cancel.
    pub(super) uniform: Vec<A>,
    /// Whether a weight is below 0, which means that a class is below its uniform share.
    pub(super) has_negative: bool,
}

impl<A: Accum> FirstTwo<A> {
    fn empty() -> Self {
        FirstTwo { first: NONE, second: NONE, first_weight: A::zero(), second_weight: A::zero() }
    }

    /// The candidate of two different classes with their weights; a class of weight 0 does not count.
    #[inline(always)]
    fn new(a: (u32, f64), b: (u32, f64)) -> Self {
        // Branchless, because the comparison is unpredictable.
        let marked = |(class, weight): (u32, f64)| (if weight == 0.0 { NONE } else { class }, A::of(weight));
        let both = [marked(a), marked(b)];
        let lower = usize::from(both[1].0 < both[0].0);
        let ((first, first_weight), (second, second_weight)) = (both[lower], both[1 - lower]);
        FirstTwo { first, second, first_weight, second_weight }
    }
}

impl<A: Accum> Listing<A> {
    /// Lists the candidates. `equal_shares`: all uniform shares are equal and cancel.
    pub(super) fn new(batch: &Batch<'_>, equal_shares: bool) -> Self {
        let mut listing = Listing {
            candidates: vec![FirstTwo::empty(); batch.candidates()],
            further: Further::default(),
            uniform: Vec::new(),
            has_negative: false,
        };
        let longest = |rows: &Rows<'_>| match rows {
            Rows::Compact(rows) => rows.classes.ncols(),
            _ => 1,
        };
        if batch.segments().iter().any(|segment| longest(&segment.rows) > 2) {
            listing.fill_any(batch);
        } else {
            listing.fill(batch);
        }
        if !equal_shares {
            listing.uniform = all_shares(batch);
        }
        listing
    }

    /// Fills in candidates of at most two classes, on several threads.
    fn fill(&mut self, batch: &Batch<'_>) {
        let has_negative = AtomicBool::new(false);
        let threads = threads_for(8 * self.candidates.len(), SHARING, self.candidates.len().div_ceil(AT_ONCE));
        let mut left = &mut self.candidates[..];
        let segments = batch.segments().iter().map(|segment| {
            let (candidates, others) = std::mem::take(&mut left).split_at_mut(segment.len());
            left = others;
            (&segment.rows, candidates)
        });
        let segments: Vec<_> = segments.collect();
        let chunks = segments.into_iter().flat_map(|(rows, candidates)| {
            let numbered = candidates.chunks_mut(AT_ONCE).enumerate();
            numbered.map(move |(chunk, candidates)| (rows, chunk * AT_ONCE, candidates))
        });
        for_each_part(threads, chunks, |(rows, first, candidates)| match rows {
            Rows::Hard(labels) => {
                let labelled = candidates.iter_mut().zip(labels.slice(ndarray::s![first..]));
                labelled.for_each(|(candidate, &label)| *candidate = FirstTwo::new((label, 1.0), (0, 0.0)));
            }
            Rows::Compact(rows) => {
                if fill_compact(rows, first, candidates) {
                    has_negative.store(true, Ordering::Relaxed);
                }
            }
            Rows::Dense(_) => {}
        });
        self.has_negative = has_negative.into_inner();
    }

    /// Fills in candidates of any number of classes, one after another.
    fn fill_any(&mut self, batch: &Batch<'_>) {
        let mut entries: Vec<(u32, f64)> = Vec::new();
        let mut candidates = self.candidates.iter_mut();
        for segment in batch.segments() {
            for row in 0..segment.len() {
                entries.clear();
                match &segment.rows {
                    Rows::Hard(labels) => entries.push((labels[row], 1.0)),
                    Rows::Compact(rows) => {
                        // A class that is listed twice has its whole weight at its first place and 0 at the second.
                        let (classes, weights) = rows.row(row);
                        let listed = classes.iter().copied().zip(weights.iter().copied());
                        entries.extend(listed.filter(|&(_, weight)| weight != 0.0));
                        entries.sort_unstable_by_key(|&(class, _)| class);
                    }
                    Rows::Dense(_) => {}
                }
                self.has_negative |= entries.iter().any(|&(_, weight)| weight < 0.0);
                let entry = |at: usize| entries.get(at).copied().unwrap_or((0, 0.0));
                if let Some(candidate) = candidates.next() {
                    *candidate = FirstTwo::new(entry(0), entry(1));
                }
                self.further.push(entries.iter().skip(2).map(|&(class, weight)| (class, A::of(weight))));
            }
        }
        self.further.drop_if_all_empty();
    }

    /// Selects the columns that get a line, and replaces the classes in the list by their lines: all columns if many
    /// of the `classes` occur, else those that occur.
    pub(super) fn take_lines(&mut self, classes: usize) -> Columns {
        // With so many candidates, finding the classes that occur costs more than it could save.
        if self.candidates.len() >= classes {
            return Columns::All(classes);
        }
        let mut lines = vec![NONE; classes];
        self.for_each_class(|class| lines[*class as usize] = 0);
        let count = lines.iter().filter(|&&mark| mark == 0).count();
        // Reading a single column costs about eight times as much as one of many contiguous columns.
        if count * 8 >= classes {
            return Columns::All(classes);
        }
        let listed: Vec<u32> = (0..classes as u32).filter(|&class| lines[class as usize] == 0).collect();
        (0..).zip(&listed).for_each(|(line, &class)| lines[class as usize] = line);
        self.for_each_class(|class| *class = lines[*class as usize]);
        Columns::Listed(listed)
    }

    fn for_each_class(&mut self, mut work: impl FnMut(&mut u32)) {
        let pairs = self.candidates.iter_mut().flat_map(|candidate| [&mut candidate.first, &mut candidate.second]);
        pairs.filter(|class| **class != NONE).for_each(&mut work);
        self.further.items_mut().iter_mut().for_each(|(class, _)| work(class));
    }
}

/// Fills in rows of at most two classes, from row `first` on. Returns whether a weight is below 0.
fn fill_compact<A: Accum>(rows: &Compact<'_>, first: usize, candidates: &mut [FirstTwo<A>]) -> bool {
    let entries = rows.classes.ncols();
    let (classes, weights) = rows.entries_from(first);
    let mut has_negative = false;
    if entries == 2 {
        for ((classes, weights), candidate) in
            classes.as_chunks::<2>().0.iter().zip(weights.as_chunks::<2>().0).zip(candidates)
        {
            has_negative |= weights[0] < 0.0 || weights[1] < 0.0;
            *candidate = FirstTwo::new((classes[0], weights[0]), (classes[1], weights[1]));
        }
    } else {
        // One class, or none at all.
        for ((&class, &weight), candidate) in classes.iter().zip(weights).zip(candidates) {
            has_negative |= weight < 0.0;
            *candidate = FirstTwo::new((class, weight), (0, 0.0));
        }
    }
    has_negative
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
