//! The candidates as the kernel takes them: equal ones merged, in the order of their first class.

mod listing;
mod merge;

use listing::Listing;
use merge::merge;

use crate::{Accum, Batch};

/// Which columns of the logits have a line, and where.
pub(crate) enum Columns {
    /// All of them, each in its place.
    All(usize),
    /// These, in ascending order.
    Listed(Vec<u32>),
}

impl Columns {
    /// Number of lines.
    pub(crate) fn len(&self) -> usize {
        match self {
            Columns::All(classes) => *classes,
            Columns::Listed(classes) => classes.len(),
        }
    }
}

/// Candidates of which the first class has this line, up to `end`.
pub(crate) struct Group {
    pub(crate) line: u32,
    pub(crate) end: u32,
}

/// A candidate: its first two classes (the first class's line is its group's) and the logarithm of its multiplicity.
#[derive(Clone, Copy)]
pub(crate) struct Pair<A> {
    pub(crate) first_weight: A,
    pub(crate) second_weight: A,
    /// To base 2, relative to the largest.
    pub(crate) log2_multiplicity: A,
    /// Line of the second class; the empty line behind the others where there is none.
    pub(crate) second: u32,
}

/// Candidates, merged and grouped.
pub(crate) struct Plan<A> {
    pub(crate) columns: Columns,
    pub(crate) groups: Vec<Group>,
    pub(crate) pairs: Vec<Pair<A>>,
    /// The uniform shares; empty where all are equal, for then they cancel.
    pub(crate) uniform: Vec<A>,
    /// Lines and weights of further classes; empty where no candidate has any.
    pub(crate) rest: Vec<(u32, A)>,
    /// Where those of each candidate end; empty where none has any.
    pub(crate) rest_ends: Vec<u32>,
    /// The merged candidate that is each row's positive. Shape `[N]`.
    pub(crate) positives: Vec<u32>,
    /// The logarithm of the largest multiplicity.
    pub(crate) log_unit: f64,
    /// Whether every score is at most that of the largest class: no weight is below 0, or the uniform shares make up for
    /// it.
    pub(crate) bounded: bool,
}

impl<A: Accum> Plan<A> {
    /// The plan for a batch whose rows are compact or hard, over `classes` classes with a logit each.
    pub(crate) fn over_all(batch: &Batch<'_>, classes: usize, positives: &[usize]) -> Self {
        let mut listing = Listing::new(batch, batch.shares_cancel::<A>());
        let columns = listing.take_lines(classes);
        merge(batch, &listing, columns, positives)
    }

    /// Lines and weights of a merged candidate whose group has this line.
    pub(crate) fn terms(&self, candidate: usize, line: u32) -> impl Iterator<Item = (usize, A)> {
        let pair = &self.pairs[candidate];
        let rest = self.rest_of(candidate).iter().copied();
        let pair = [(line, pair.first_weight), (pair.second, pair.second_weight)];
        pair.into_iter().chain(rest).map(|(line, weight)| (line as usize, weight))
    }

    /// Lines and weights beyond the first two of a merged candidate.
    #[inline(always)]
    pub(crate) fn rest_of(&self, candidate: usize) -> &[(u32, A)] {
        let Some(&end) = self.rest_ends.get(candidate) else { return &[] };
        let start = if candidate == 0 { 0 } else { self.rest_ends[candidate - 1] };
        &self.rest[start as usize..end as usize]
    }

    /// The line of a merged candidate's first class.
    pub(crate) fn first_line(&self, candidate: usize) -> u32 {
        let group = self.groups.partition_point(|group| group.end as usize <= candidate);
        self.groups.get(group).map_or(0, |group| group.line)
    }
}
