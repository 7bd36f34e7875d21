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
    /// The largest uniform share less the smallest.
    pub(crate) share_extent: f64,
    /// Lines and weights of further classes; empty where no candidate has any.
    pub(crate) rest: Vec<(u32, A)>,
    /// Where those of each candidate end; empty where none has any.
    pub(crate) rest_ends: Vec<u32>,
    /// The merged candidate that is each row's positive. Shape `[N]`.
    pub(crate) positives: Vec<u32>,
    /// The logarithm of the largest multiplicity.
    pub(crate) log_unit: f64,
    /// Whether every score is at most that of the largest class: no weight is below 0.
    pub(crate) bounded: bool,
    /// Where sums are set aside, by candidate.
    pub(crate) folds: Vec<Fold>,
    /// The lines whose sums are set aside.
    pub(crate) folded_lines: Vec<u32>,
}

/// Before this candidate's term is added, a sum goes into double precision: so many terms have gone into it that their
/// rounding would show.
pub(crate) struct Fold {
    pub(crate) candidate: u32,
    /// Whose sum: that of a line, by its place in [`Plan::folded_lines`], or that over all candidates.
    pub(crate) place: Option<u32>,
}

/// Terms that are summed in the accumulating type.
const SUMMED_AT_ONCE: u32 = 512;

impl<A: Accum> Plan<A> {
    /// The plan for a batch whose rows are compact or hard, over `classes` classes with a logit each.
    pub(crate) fn over_all(batch: &Batch<'_>, classes: usize, positives: &[usize]) -> Self {
        let (lowest, highest) = batch.extent_of_shares();
        // Exactly, but for the rounding of numbers that were meant to be equal.
        let equal_shares = highest - lowest <= 1e-14;
        let mut listing = Listing::new(batch, equal_shares);
        let columns = listing.take_lines(classes);
        let mut plan = merge(batch, &listing, columns, positives);
        plan.share_extent = highest - lowest;
        plan.mark_folds();
        plan
    }

    /// Finds out where a sum has taken so many terms that it is to be set aside.
    fn mark_folds(&mut self) {
        if self.pairs.len() <= SUMMED_AT_ONCE as usize {
            return;
        }
        let empty = self.columns.len() as u32;
        // Mostly no line takes so many, and the sum over all candidates alone is set aside.
        let mut terms = vec![0u32; empty as usize + 1];
        self.pairs.iter().for_each(|pair| terms[pair.second as usize] += 1);
        self.rest.iter().for_each(|&(line, _)| terms[line as usize] += 1);
        let starts = std::iter::once(0).chain(self.groups.iter().map(|group| group.end));
        self.groups.iter().zip(starts).for_each(|(group, start)| terms[group.line as usize] += group.end - start);
        if terms[..empty as usize].iter().all(|&terms| terms <= SUMMED_AT_ONCE) {
            let candidates = (SUMMED_AT_ONCE..self.pairs.len() as u32).step_by(SUMMED_AT_ONCE as usize);
            self.folds = candidates.map(|candidate| Fold { candidate, place: None }).collect();
            return;
        }
        // Terms in each line's sum, and the place of those that are set aside.
        let mut lines = vec![(0u32, None); empty as usize + 1];
        let (mut folds, mut folded_lines) = (Vec::new(), Vec::new());
        let mut start = 0;
        for group in &self.groups {
            for candidate in start..group.end {
                if candidate > 0 && candidate % SUMMED_AT_ONCE == 0 {
                    folds.push(Fold { candidate, place: None });
                }
                let further = self.rest_of(candidate as usize).iter().map(|&(line, _)| line);
                let pair = [group.line, self.pairs[candidate as usize].second];
                for line in pair.into_iter().chain(further).filter(|&line| line != empty) {
                    let (terms, place) = &mut lines[line as usize];
                    *terms += 1;
                    if *terms > SUMMED_AT_ONCE {
                        *terms = 1;
                        let next = folded_lines.len() as u32;
                        let place = *place.get_or_insert(next);
                        if place == next {
                            folded_lines.push(line);
                        }
                        folds.push(Fold { candidate, place: Some(place) });
                    }
                }
            }
            start = group.end;
        }
        (self.folds, self.folded_lines) = (folds, folded_lines);
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
