//! A part of the candidates: equal ones become one, and those with the same first class stand together.

use std::ops::RangeInclusive;

use super::Masses;
use super::listing::{Entry, Listing};
use crate::Accum;
use crate::paths::to_base_2;

/// A group with more candidates than this is searched through a table.
const FEW: usize = 12;

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

/// The merged candidates whose first classes are in a range, grouped by them.
pub(crate) struct Part<A> {
    /// The number of the first of them among all parts.
    pub(crate) first: u32,
    pub(crate) groups: Vec<Group>,
    pub(crate) pairs: Vec<Pair<A>>,
    /// The uniform shares; empty where they cancel.
    pub(crate) uniform: Vec<A>,
    /// Lines and weights of further classes; empty where no candidate has any.
    pub(crate) rest: Vec<(u32, A)>,
    /// Where those of each candidate end; empty where none has any.
    pub(crate) rest_ends: Vec<u32>,
    masses: Vec<f64>,
    /// The candidates that came in, in ascending order, with the number of the merged one.
    numbers: Vec<(u32, u32)>,
}

impl<A: Accum> Part<A> {
    /// Merges listed candidates whose first lines are in this range; `empty` is the line of a class that is not there.
    pub(super) fn new(listing: &Listing<A>, lines: RangeInclusive<u32>, empty: u32, masses: &Masses<'_>) -> Self {
        let count = listing.entries.len();
        let mut part = Part {
            first: 0,
            groups: Vec::with_capacity(count.min(1 << 10)),
            pairs: Vec::with_capacity(count),
            uniform: Vec::new(),
            rest: Vec::new(),
            rest_ends: Vec::new(),
            masses: Vec::with_capacity(count),
            numbers: listing.entries.iter().map(|entry| (entry.candidate, 0)).collect(),
        };
        let order = sorted(&listing.entries, &lines);
        let line_of = |entry: u32| listing.entries[entry as usize].first.min(*lines.end());
        let mut table = Vec::new();
        for group in order.chunk_by(|&a, &b| line_of(a) == line_of(b)) {
            part.add_group(line_of(group[0]), empty, group, listing, masses, &mut table);
        }
        part
    }

    /// The number among all parts of the merged candidate that a candidate became; `None` where it is in another part.
    pub(super) fn number_of(&self, candidate: u32) -> Option<u32> {
        // In its own place where all candidates are here.
        let direct = self.numbers.get(candidate as usize).filter(|(known, _)| *known == candidate);
        let found = match direct {
            Some(found) => found,
            None => &self.numbers[self.numbers.binary_search_by_key(&candidate, |&(known, _)| known).ok()?],
        };
        Some(self.first + found.1)
    }

    /// Lines and weights of a merged candidate, by its number here.
    pub(crate) fn terms(&self, number: usize) -> impl Iterator<Item = (usize, A)> {
        let group = self.groups.partition_point(|group| group.end as usize <= number);
        let line = self.groups.get(group).map_or(0, |group| group.line);
        let pair = &self.pairs[number];
        let rest = self.rest_of(number).iter().copied();
        let pair = [(line, pair.first_weight), (pair.second, pair.second_weight)];
        pair.into_iter().chain(rest).map(|(line, weight)| (line as usize, weight))
    }

    /// Lines and weights beyond the first two of a merged candidate, by its number here.
    #[inline(always)]
    pub(crate) fn rest_of(&self, number: usize) -> &[(u32, A)] {
        let Some(&end) = self.rest_ends.get(number) else { return &[] };
        let start = if number == 0 { 0 } else { self.rest_ends[number - 1] };
        &self.rest[start as usize..end as usize]
    }

    /// The largest multiplicity.
    pub(super) fn largest_mass(&self) -> f64 {
        self.masses.iter().copied().fold(0.0, f64::max)
    }

    /// The entries whose first class has this line.
    #[allow(clippy::too_many_arguments)]
    fn add_group(
        &mut self,
        line: u32,
        empty: u32,
        entries: &[u32],
        listing: &Listing<A>,
        masses: &Masses<'_>,
        table: &mut Vec<u32>,
    ) {
        let start = self.pairs.len();
        let many = entries.len() > FEW;
        if many {
            // Open addressing, at most a quarter full; 0 is a free place.
            table.clear();
            table.resize((4 * entries.len()).next_power_of_two(), 0);
        }
        for &number in entries {
            let entry = &listing.entries[number as usize];
            let pair = Pair {
                first_weight: entry.first_weight,
                second_weight: entry.second_weight,
                log2_multiplicity: A::zero(),
                second: entry.second.min(empty),
            };
            let kind = Kind {
                pair,
                share: listing.uniform.get(number as usize).copied(),
                rest: listing.rest_of(number as usize),
            };
            let known = if many {
                self.known_in_table(start, &kind, table)
            } else {
                (start..self.pairs.len()).find(|&number| self.is(number, &kind))
            };
            let mass = masses.of(entry.candidate);
            let merged = match known {
                Some(known) => {
                    self.masses[known] += mass;
                    known
                }
                None => {
                    self.push(&kind, mass, !listing.rest_ends.is_empty());
                    self.pairs.len() - 1
                }
            };
            self.numbers[number as usize].1 = merged as u32;
        }
        self.groups.push(Group { line, end: self.pairs.len() as u32 });
    }

    /// The logarithms of the multiplicities relative to the largest.
    pub(super) fn take_logarithms(&mut self, largest: f64) {
        // Most candidates count once, and then nothing is to be done.
        if largest == 1.0 && self.masses.iter().all(|&mass| mass == 1.0) {
            return;
        }
        let log_largest = largest.ln();
        for (pair, &mass) in self.pairs.iter_mut().zip(&self.masses) {
            let log = if mass == 1.0 { 0.0 } else { mass.ln() };
            pair.log2_multiplicity = to_base_2(log - log_largest);
        }
    }

    fn push(&mut self, kind: &Kind<'_, A>, mass: f64, with_rest: bool) {
        self.pairs.push(kind.pair);
        self.masses.push(mass);
        self.uniform.extend(kind.share);
        if with_rest {
            self.rest.extend(kind.rest);
            self.rest_ends.push(self.rest.len() as u32);
        }
    }

    /// The number of a candidate like this, of those from `start` on; else its place in the table is taken.
    fn known_in_table(&self, start: usize, kind: &Kind<'_, A>, table: &mut [u32]) -> Option<usize> {
        let mask = table.len() - 1;
        let mut place = kind.hash() as usize & mask;
        loop {
            match table[place] {
                0 => {
                    table[place] = (self.pairs.len() - start + 1) as u32;
                    return None;
                }
                known if self.is(start + known as usize - 1, kind) => return Some(start + known as usize - 1),
                _ => place = (place + 1) & mask,
            }
        }
    }

    /// Whether a candidate of this group is the same target.
    fn is(&self, number: usize, kind: &Kind<'_, A>) -> bool {
        let (ours, theirs) = (&self.pairs[number], &kind.pair);
        ours.second == theirs.second
            && ours.first_weight == theirs.first_weight
            && ours.second_weight == theirs.second_weight
            && self.uniform.get(number).copied() == kind.share
            && self.rest_of(number) == kind.rest
    }
}

/// What makes a candidate the same target as another of its group.
struct Kind<'l, A> {
    pair: Pair<A>,
    share: Option<A>,
    rest: &'l [(u32, A)],
}

impl<A: Accum> Kind<'_, A> {
    fn hash(&self) -> u64 {
        let mix = |state: u64, word: u64| (state.rotate_left(23) ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let bits = |value: A| value.as_f64().to_bits();
        let mut state = mix(u64::from(self.pair.second), bits(self.pair.first_weight));
        state = mix(state, bits(self.pair.second_weight));
        if let Some(share) = self.share {
            state = mix(state, bits(share));
        }
        for &(line, weight) in self.rest {
            state = mix(mix(state, u64::from(line)), bits(weight));
        }
        state ^ (state >> 32)
    }
}

/// The entries in the order of the lines of their first classes, and within a line in their own: a counting sort.
fn sorted<A: Accum>(entries: &[Entry<A>], lines: &RangeInclusive<u32>) -> Vec<u32> {
    let place_of = |entry: &Entry<A>| (entry.first.min(*lines.end()) - lines.start()) as usize;
    let mut starts = vec![0u32; (lines.end() - lines.start()) as usize + 2];
    entries.iter().for_each(|entry| starts[place_of(entry) + 1] += 1);
    (1..starts.len()).for_each(|line| starts[line] += starts[line - 1]);
    let mut order = vec![0u32; entries.len()];
    for (number, entry) in (0..).zip(entries) {
        let place = &mut starts[place_of(entry)];
        order[*place as usize] = number;
        *place += 1;
    }
    order
}
