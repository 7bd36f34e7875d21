//! Equal candidates become one, and those with the same first class stand together.
//!
//! A counting sort by the line of the first class, then a search for equal ones within each group. Large batches are
//! searched in parts, which depend on the batch alone and not on the number of threads.

use softnce_kernels::parallel::{SHARING, for_each, threads_for};
use std::convert::Infallible;

use super::listing::{Entry, Listing};
use super::{Columns, Group, Pair, Plan};
use crate::paths::to_base_2;
use crate::{Accum, Batch};

/// Candidates whose groups are searched at once.
const AT_ONCE: usize = 8192;
/// A group with more candidates than this is searched through a table.
const FEW: usize = 12;

pub(super) fn merge<A: Accum>(
    batch: &Batch<'_>,
    listing: &Listing<A>,
    columns: Columns,
    positives: &[usize],
) -> Plan<A> {
    let lines = columns.len() as u32;
    let sorted = Sorted::new(&listing.entries, lines);
    let masses = Masses::new(batch);

    // Each part's groups by themselves, numbered from 0.
    let bounds = sorted.parts();
    let mut parts: Vec<Part<A>> = bounds.iter().map(|_| Part::default()).collect();
    let threads = threads_for(listing.entries.len() * 8, SHARING, parts.len());
    let outcome = for_each(threads, parts.iter_mut().zip(&bounds), Vec::new, |table, (part, &(first, last))| {
        let candidates = sorted.range(first, last);
        part.reserve(candidates.len());
        let line_of = |candidate: u32| listing.entries[candidate as usize].first.min(lines);
        for group in candidates.chunk_by(|&a, &b| line_of(a) == line_of(b)) {
            part.add_group(line_of(group[0]), lines, group, listing, &masses, table);
        }
        Ok::<(), Infallible>(())
    });
    let Ok(()) = outcome;

    // Put together: the numbers of a part go on where those of the one before end.
    let starts: Vec<u32> =
        parts.iter().scan(0, |next, part| Some(std::mem::replace(next, *next + part.pairs.len() as u32))).collect();
    let positives = positives.iter().map(|&positive| {
        let line = listing.entries[positive].first.min(lines);
        let part = bounds.partition_point(|&(_, last)| last <= line);
        let place = sorted.place(line, positive as u32) - sorted.starts[bounds[part].0 as usize];
        starts[part] + parts[part].numbers[place as usize]
    });
    let positives = positives.collect();
    let largest = parts.iter().flat_map(|part| &part.masses).copied().fold(0.0, f64::max);
    let mut plan = Plan {
        columns,
        groups: Vec::new(),
        pairs: Vec::new(),
        uniform: Vec::new(),
        rest: Vec::new(),
        rest_ends: Vec::new(),
        positives,
        log_unit: largest.ln() + masses.unit.ln(),
        share_extent: 0.0,
        bounded: !listing.below,
        folds: Vec::new(),
        folded_lines: Vec::new(),
    };
    if parts.len() > 1 {
        plan.groups.reserve_exact(parts.iter().map(|part| part.groups.len()).sum());
        plan.pairs.reserve_exact(parts.iter().map(|part| part.pairs.len()).sum());
        plan.uniform.reserve_exact(parts.iter().map(|part| part.uniform.len()).sum());
    }
    for (mut part, start) in parts.into_iter().zip(starts) {
        part.take_logarithms(largest);
        let rest_start = plan.rest.len() as u32;
        part.groups.iter_mut().for_each(|group| group.end += start);
        part.rest_ends.iter_mut().for_each(|end| *end += rest_start);
        append(&mut plan.groups, part.groups);
        append(&mut plan.pairs, part.pairs);
        append(&mut plan.uniform, part.uniform);
        append(&mut plan.rest, part.rest);
        append(&mut plan.rest_ends, part.rest_ends);
    }
    plan
}

/// Appends; a part that is all there is is not copied.
fn append<T>(all: &mut Vec<T>, mut part: Vec<T>) {
    if all.capacity() == 0 { *all = part } else { all.append(&mut part) }
}

/// The candidates in the order of the lines of their first classes, and within a line in their own.
struct Sorted {
    order: Vec<u32>,
    /// Where the group of each line starts, and where the last one ends; the empty line behind the others has one too.
    starts: Vec<u32>,
}

impl Sorted {
    /// A counting sort, on one thread: it takes a few nanoseconds a candidate.
    fn new<A: Accum>(entries: &[Entry<A>], lines: u32) -> Self {
        let line_of = |entry: &Entry<A>| entry.first.min(lines) as usize;
        // Counts of a line stand at the second place behind its own, so that they become the next line's starts.
        let mut starts = vec![0u32; lines as usize + 3];
        entries.iter().for_each(|entry| starts[line_of(entry) + 2] += 1);
        (1..starts.len()).for_each(|line| starts[line] += starts[line - 1]);
        let mut order = vec![0u32; entries.len()];
        for (candidate, entry) in (0..).zip(entries) {
            let place = &mut starts[line_of(entry) + 1];
            order[*place as usize] = candidate;
            *place += 1;
        }
        starts.pop();
        Sorted { order, starts }
    }

    /// The candidates of one line.
    fn group(&self, line: u32) -> &[u32] {
        self.range(line, line + 1)
    }

    /// The candidates of some lines.
    fn range(&self, first: u32, last: u32) -> &[u32] {
        &self.order[self.starts[first as usize] as usize..self.starts[last as usize] as usize]
    }

    /// Where a candidate stands that has this line.
    fn place(&self, line: u32, candidate: u32) -> u32 {
        self.starts[line as usize] + self.group(line).partition_point(|&other| other < candidate) as u32
    }

    /// Lines from one to another, so that each part has about as many candidates.
    fn parts(&self) -> Vec<(u32, u32)> {
        let groups = self.starts.len() as u32 - 1;
        if self.order.len() <= AT_ONCE {
            return vec![(0, groups)];
        }
        let mut parts = Vec::new();
        let mut first = 0;
        for line in 0..groups {
            let full = (self.starts[line as usize + 1] - self.starts[first as usize]) as usize >= AT_ONCE;
            if full || line + 1 == groups {
                parts.push((first, line + 1));
                first = line + 1;
            }
        }
        parts
    }
}

/// How often each candidate counts.
struct Masses<'b> {
    given: Option<ndarray::ArrayView1<'b, f64>>,
    /// Counted in units of the largest, so that the sum of huge ones stays in range.
    unit: f64,
}

impl<'b> Masses<'b> {
    fn new(batch: &'b Batch<'_>) -> Self {
        let given = batch.multiplicities();
        let unit = given.map_or(1.0, |given| given.iter().copied().fold(0.0, f64::max));
        Masses { given, unit }
    }

    fn of(&self, candidate: usize) -> f64 {
        self.given.map_or(1.0, |given| given[candidate] / self.unit)
    }
}

/// The groups of some lines.
struct Part<A> {
    /// Which merged candidate each candidate became, in the sorted order.
    numbers: Vec<u32>,
    groups: Vec<Group>,
    pairs: Vec<Pair<A>>,
    masses: Vec<f64>,
    uniform: Vec<A>,
    rest: Vec<(u32, A)>,
    rest_ends: Vec<u32>,
}

impl<A> Default for Part<A> {
    fn default() -> Self {
        Part {
            numbers: Vec::new(),
            groups: Vec::new(),
            pairs: Vec::new(),
            masses: Vec::new(),
            uniform: Vec::new(),
            rest: Vec::new(),
            rest_ends: Vec::new(),
        }
    }
}

impl<A: Accum> Part<A> {
    fn reserve(&mut self, candidates: usize) {
        self.numbers.reserve_exact(candidates);
        self.pairs.reserve_exact(candidates);
        self.masses.reserve_exact(candidates);
        self.groups.reserve(candidates.min(1 << 10));
    }

    /// The candidates whose first class has this line.
    #[allow(clippy::too_many_arguments)]
    fn add_group(
        &mut self,
        line: u32,
        empty: u32,
        candidates: &[u32],
        listing: &Listing<A>,
        masses: &Masses<'_>,
        table: &mut Vec<u32>,
    ) {
        let start = self.pairs.len();
        let many = candidates.len() > FEW;
        if many {
            // Open addressing, at most a quarter full; 0 is a free place.
            table.clear();
            table.resize((4 * candidates.len()).next_power_of_two(), 0);
        }
        for &candidate in candidates {
            let candidate = candidate as usize;
            let entry = &listing.entries[candidate];
            let pair = Pair {
                first_weight: entry.first_weight,
                second_weight: entry.second_weight,
                log2_multiplicity: A::zero(),
                second: entry.second.min(empty),
            };
            let kind = Kind { pair, share: listing.uniform.get(candidate).copied(), rest: listing.rest_of(candidate) };
            let known = if many {
                self.known_in_table(start, &kind, table)
            } else {
                (start..self.pairs.len()).find(|&number| self.is(number, &kind))
            };
            let mass = masses.of(candidate);
            let number = match known {
                Some(number) => {
                    self.masses[number] += mass;
                    number
                }
                None => {
                    self.push(&kind, mass, !listing.rest_ends.is_empty());
                    self.pairs.len() - 1
                }
            };
            self.numbers.push(number as u32);
        }
        self.groups.push(Group { line, end: self.pairs.len() as u32 });
    }

    /// The logarithms of the multiplicities relative to the largest.
    fn take_logarithms(&mut self, largest: f64) {
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

    fn rest_of(&self, number: usize) -> &[(u32, A)] {
        let Some(&end) = self.rest_ends.get(number) else { return &[] };
        let start = if number == 0 { 0 } else { self.rest_ends[number - 1] };
        &self.rest[start as usize..end as usize]
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
