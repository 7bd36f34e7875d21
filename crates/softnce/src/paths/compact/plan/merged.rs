//! The merged candidates, as the kernel reads them.

use std::sync::OnceLock;

use super::columns::Columns;
use super::further::Further;
use crate::Accum;
use crate::paths::terms::to_base_2;

/// Consecutive merged candidates with the same first class.
pub(crate) struct Group {
    /// The line of the first class.
    pub(crate) line: u32,
    /// The end of the group among the merged candidates; it starts where the group before it ends.
    pub(crate) end: u32,
}

/// A merged candidate: the weights of its first two classes and its multiplicity. The line of the first class is in its
/// [`Group`].
#[derive(Clone, Copy)]
pub(crate) struct Pair<A> {
    pub(crate) first_weight: A,
    pub(crate) second_weight: A,
    /// `log2` of the multiplicity divided by the largest one.
    pub(crate) log2_multiplicity: A,
    /// The line of the second class; the empty line behind all others if there is none.
    pub(crate) second: u32,
}

/// The candidates, merged and grouped.
pub(crate) struct Plan<A> {
    pub(crate) columns: Columns,
    pub(crate) groups: Vec<Group>,
    pub(crate) pairs: Vec<Pair<A>>,
    /// The uniform shares; empty if all are equal, because then they cancel.
    pub(crate) uniform: Vec<A>,
    /// The largest uniform share minus the smallest.
    pub(crate) share_extent: f64,
    /// Lines and weights of the classes beyond the first two.
    pub(crate) further: Further<(u32, A)>,
    /// The merged candidate that is each row's positive. Shape `[N]`.
    pub(crate) positives: Vec<u32>,
    /// The logarithm of the largest multiplicity.
    pub(crate) log_unit: f64,
    /// Whether no weight is below 0. Then no exponent is above 0.
    pub(crate) bounded: bool,
    /// Where sums are folded into double precision, in the order of the candidates.
    pub(crate) folds: Vec<Fold>,
    /// The lines whose sums are folded.
    pub(crate) folded_lines: Vec<u32>,
    /// See [`Plan::occurring_lines`].
    pub(super) occurring_lines: OnceLock<Vec<usize>>,
}

/// Before a candidate's term is added, a sum that has taken [`TERMS_IN_SUM`] terms is folded into a sum in double
/// precision, so that its rounding error does not grow with the number of candidates.
pub(crate) struct Fold {
    pub(crate) candidate: u32,
    /// Which sum: the one of a line, given as an index into [`Plan::folded_lines`], or `None` for those over all
    /// candidates.
    pub(crate) place: Option<u32>,
}

/// Terms that are added up in the accumulating type before the sum goes on in double precision.
const TERMS_IN_SUM: u32 = 512;

impl<A: Accum> Plan<A> {
    /// Finds the candidates before which a sum is to be folded.
    pub(super) fn mark_folds(&mut self) {
        if self.pairs.len() <= TERMS_IN_SUM as usize {
            return;
        }
        let empty = self.columns.len() as u32;
        // The common case: no line takes so many terms, and only the sums over all candidates are folded.
        let mut terms = vec![0u32; empty as usize + 1];
        self.pairs.iter().for_each(|pair| terms[pair.second as usize] += 1);
        self.further.items().iter().for_each(|&(line, _)| terms[line as usize] += 1);
        let starts = std::iter::once(0).chain(self.groups.iter().map(|group| group.end));
        self.groups.iter().zip(starts).for_each(|(group, start)| terms[group.line as usize] += group.end - start);
        if terms[..empty as usize].iter().all(|&terms| terms <= TERMS_IN_SUM) {
            let candidates = (TERMS_IN_SUM..self.pairs.len() as u32).step_by(TERMS_IN_SUM as usize);
            self.folds = candidates.map(|candidate| Fold { candidate, place: None }).collect();
            return;
        }
        // For each line the terms in its sum, and its place among the folded lines.
        let mut lines = vec![(0u32, None); empty as usize + 1];
        let (mut folds, mut folded_lines) = (Vec::new(), Vec::new());
        let mut start = 0;
        for group in &self.groups {
            for candidate in start..group.end {
                if candidate > 0 && candidate % TERMS_IN_SUM == 0 {
                    folds.push(Fold { candidate, place: None });
                }
                let further = self.further.of(candidate as usize).iter().map(|&(line, _)| line);
                let pair = [group.line, self.pairs[candidate as usize].second];
                for line in pair.into_iter().chain(further).filter(|&line| line != empty) {
                    let (terms, place) = &mut lines[line as usize];
                    *terms += 1;
                    if *terms > TERMS_IN_SUM {
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

    /// The lines and weights of a merged candidate; `line` is the line of its group.
    pub(crate) fn entries(&self, candidate: usize, line: u32) -> impl Iterator<Item = (usize, A)> {
        let pair = &self.pairs[candidate];
        let further = self.further.of(candidate).iter().copied();
        let pair = [(line, pair.first_weight), (pair.second, pair.second_weight)];
        pair.into_iter().chain(further).map(|(line, weight)| (line as usize, weight))
    }

    /// The lines of the classes that occur in candidates with a multiplicity above 0, in ascending order.
    pub(crate) fn occurring_lines(&self) -> &[usize] {
        self.occurring_lines.get_or_init(|| self.find_occurring_lines())
    }

    fn find_occurring_lines(&self) -> Vec<usize> {
        let mut occurs = vec![false; self.columns.len()];
        let starts = std::iter::once(0).chain(self.groups.iter().map(|group| group.end));
        for (group, start) in self.groups.iter().zip(starts) {
            let kept = (start..group.end).filter(|&candidate| self.is_kept(candidate as usize));
            for candidate in kept {
                // The empty line stands behind the others.
                let lines = self.entries(candidate as usize, group.line).map(|(line, _)| line);
                lines.filter(|&line| line < self.columns.len()).for_each(|line| occurs[line] = true);
            }
        }
        (0..occurs.len()).filter(|&line| occurs[line]).collect()
    }

    /// Whether a merged candidate has a multiplicity above 0.
    fn is_kept(&self, candidate: usize) -> bool {
        self.pairs[candidate].log2_multiplicity > to_base_2(f64::NEG_INFINITY)
    }

    /// The line of a merged candidate's first class.
    pub(crate) fn first_line(&self, candidate: usize) -> u32 {
        let group = self.groups.partition_point(|group| group.end as usize <= candidate);
        self.groups.get(group).map_or(0, |group| group.line)
    }
}
