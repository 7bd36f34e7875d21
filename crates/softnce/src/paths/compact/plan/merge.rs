//! Merges equal candidates and groups them by their first class.
//!
//! A counting sort groups the candidates by their first class. Then equal candidates are searched for within each
//! group. In large batches several threads search, each a range of classes at a time (a *section*); the ranges do not
//! depend on the number of threads.

use std::convert::Infallible;
use std::sync::OnceLock;

use softnce_kernels::parallel::{SHARING, for_each, threads_for};

use super::columns::Columns;
use super::further::Further;
use super::listing::{FirstTwo, Listing};
use super::merged::{Group, Pair, Plan};
use crate::paths::terms::to_base_2;
use crate::{Accum, Batch};

/// A section of lines ends when it has this many candidates.
const SECTION_CANDIDATES: usize = 8192;
/// In a group of more candidates than this, a hash table finds the equal ones.
const FEW: usize = 12;

pub(super) fn merge<A: Accum>(
    batch: &Batch<'_>,
    listing: &Listing<A>,
    columns: Columns,
    positives: &[usize],
) -> Plan<A> {
    let lines = columns.len() as u32;
    let sorted = Sorted::new(&listing.candidates, lines);
    let masses = Masses::new(batch);

    // Each section is merged by itself; its merged candidates are numbered from 0.
    let bounds = sorted.sections();
    let mut sections: Vec<MergedSection<A>> = bounds.iter().map(|_| MergedSection::default()).collect();
    let threads = threads_for(listing.candidates.len() * 8, SHARING, sections.len());
    let work = sections.iter_mut().zip(&bounds);
    let outcome = for_each(threads, work, Vec::new, |table, (section, &(first, last))| {
        let candidates = sorted.range(first, last);
        section.reserve(candidates.len());
        let line_of = |candidate: u32| listing.candidates[candidate as usize].first.min(lines);
        for group in candidates.chunk_by(|&a, &b| line_of(a) == line_of(b)) {
            section.add_group(line_of(group[0]), lines, group, listing, &masses, table);
        }
        Ok::<(), Infallible>(())
    });
    let Ok(()) = outcome;

    // The numbers of a section follow those of the section before it.
    let starts = sections.iter().scan(0, |next, section| {
        let start = *next;
        *next += section.pairs.len() as u32;
        Some(start)
    });
    let starts: Vec<u32> = starts.collect();
    let positives = positives.iter().map(|&positive| {
        let line = listing.candidates[positive].first.min(lines) as usize;
        let section = bounds.partition_point(|&(_, last)| last <= line);
        let place = sorted.place(line, positive as u32) - sorted.starts[bounds[section].0];
        starts[section] + sections[section].numbers[place as usize]
    });
    let positives = positives.collect();
    let largest = sections.iter().flat_map(|section| &section.masses).copied().fold(0.0, f64::max);
    let mut plan = Plan {
        columns,
        groups: Vec::new(),
        pairs: Vec::new(),
        uniform: Vec::new(),
        further: Further::default(),
        positives,
        log_unit: largest.ln() + masses.unit.ln(),
        share_extent: 0.0,
        bounded: !listing.has_negative,
        folds: Vec::new(),
        folded_lines: Vec::new(),
        occurring_lines: OnceLock::new(),
    };
    if sections.len() > 1 {
        plan.groups.reserve_exact(sections.iter().map(|section| section.groups.len()).sum());
        plan.pairs.reserve_exact(sections.iter().map(|section| section.pairs.len()).sum());
        plan.uniform.reserve_exact(sections.iter().map(|section| section.uniform.len()).sum());
    }
    for (mut section, start) in sections.into_iter().zip(starts) {
        section.set_multiplicities(largest);
        section.groups.iter_mut().for_each(|group| group.end += start);
        append(&mut plan.groups, section.groups);
        append(&mut plan.pairs, section.pairs);
        append(&mut plan.uniform, section.uniform);
        plan.further.append(section.further);
    }
    plan
}

/// Appends a vector to another; the only one there is moves without a copy.
fn append<T>(all: &mut Vec<T>, mut more: Vec<T>) {
    if all.capacity() == 0 { *all = more } else { all.append(&mut more) }
}

/// The candidates sorted by the line of their first class; candidates of one line stay in their order.
struct Sorted {
    order: Vec<u32>,
    /// For each line, the empty line behind the others included, where its candidates start in `order`; at the end the
    /// number of candidates.
    starts: Vec<u32>,
}

impl Sorted {
    /// A counting sort on one thread, which takes a few nanoseconds per candidate.
    fn new<A: Accum>(candidates: &[FirstTwo<A>], lines: u32) -> Self {
        let line_of = |candidate: &FirstTwo<A>| candidate.first.min(lines) as usize;
        // A line's count is stored two places behind the line: the running sum then gives, one place behind each
        // line, its start, and the loop below moves it to the line's end, which is the start of the next line.
        let mut starts = vec![0u32; lines as usize + 3];
        candidates.iter().for_each(|candidate| starts[line_of(candidate) + 2] += 1);
        (1..starts.len()).for_each(|line| starts[line] += starts[line - 1]);
        let mut order = vec![0u32; candidates.len()];
        for (number, candidate) in (0..).zip(candidates) {
            let place = &mut starts[line_of(candidate) + 1];
            order[*place as usize] = number;
            *place += 1;
        }
        starts.pop();
        Sorted { order, starts }
    }

    /// The candidates of one line.
    fn group(&self, line: usize) -> &[u32] {
        self.range(line, line + 1)
    }

    /// The candidates of the lines from `first` up to, but without, `last`.
    fn range(&self, first: usize, last: usize) -> &[u32] {
        &self.order[self.starts[first] as usize..self.starts[last] as usize]
    }

    /// The place in `order` of a candidate whose first class has this line.
    fn place(&self, line: usize, candidate: u32) -> u32 {
        self.starts[line] + self.group(line).partition_point(|&other| other < candidate) as u32
    }

    /// Splits the lines into sections with about as many candidates each: first line, and first line of the next
    /// section.
    fn sections(&self) -> Vec<(usize, usize)> {
        let lines = self.starts.len() - 1;
        if self.order.len() <= SECTION_CANDIDATES {
            return vec![(0, lines)];
        }
        let mut sections = Vec::new();
        let mut first = 0;
        for line in 0..lines {
            let full = (self.starts[line + 1] - self.starts[first]) as usize >= SECTION_CANDIDATES;
            if full || line + 1 == lines {
                sections.push((first, line + 1));
                first = line + 1;
            }
        }
        sections
    }
}

/// How often each candidate counts.
struct Masses<'b> {
    given: Option<ndarray::ArrayView1<'b, f64>>,
    /// The largest multiplicity, which all are divided by so that sums of huge ones do not overflow.
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

/// The merged candidates of a section of lines.
struct MergedSection<A> {
    /// For each candidate, in the sorted order, the number of the merged candidate that it became.
    numbers: Vec<u32>,
    groups: Vec<Group>,
    pairs: Vec<Pair<A>>,
    /// The multiplicity of each merged candidate, divided by the largest one of the batch.
    masses: Vec<f64>,
    uniform: Vec<A>,
    further: Further<(u32, A)>,
}

impl<A> Default for MergedSection<A> {
    fn default() -> Self {
        MergedSection {
            numbers: Vec::new(),
            groups: Vec::new(),
            pairs: Vec::new(),
            masses: Vec::new(),
            uniform: Vec::new(),
            further: Further::default(),
        }
    }
}

impl<A: Accum> MergedSection<A> {
    fn reserve(&mut self, candidates: usize) {
        self.numbers.reserve_exact(candidates);
        self.pairs.reserve_exact(candidates);
        self.masses.reserve_exact(candidates);
        self.groups.reserve(candidates.min(1 << 10));
    }

    /// Merges the candidates whose first class has this line. `empty` is the empty line, `table` working memory.
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
            // A hash table with open addressing, at most a quarter full. 0 marks a free place.
            table.clear();
            table.resize((4 * candidates.len()).next_power_of_two(), 0);
        }
        for &candidate in candidates {
            let candidate = candidate as usize;
            let first_two = &listing.candidates[candidate];
            let pair = Pair {
                first_weight: first_two.first_weight,
                second_weight: first_two.second_weight,
                log2_multiplicity: A::zero(),
                second: first_two.second.min(empty),
            };
            let share = listing.uniform.get(candidate).copied();
            let target = Target { pair, share, further: listing.further.of(candidate) };
            let known = if many {
                self.find_or_insert(start, &target, table)
            } else {
                (start..self.pairs.len()).find(|&number| self.equals(number, &target))
            };
            let mass = masses.of(candidate);
            let number = match known {
                Some(number) => {
                    self.masses[number] += mass;
                    number
                }
                None => {
                    self.push(&target, mass, !listing.further.is_empty());
                    self.pairs.len() - 1
                }
            };
            self.numbers.push(number as u32);
        }
        self.groups.push(Group { line, end: self.pairs.len() as u32 });
    }

    /// Sets the logarithms of the multiplicities divided by the largest merged one.
    fn set_multiplicities(&mut self, largest: f64) {
        // The common case: all multiplicities are 1 and all logarithms 0.
        if largest == 1.0 && self.masses.iter().all(|&mass| mass == 1.0) {
            return;
        }
        let log_largest = largest.ln();
        for (pair, &mass) in self.pairs.iter_mut().zip(&self.masses) {
            let log = if mass == 1.0 { 0.0 } else { mass.ln() };
            pair.log2_multiplicity = to_base_2(log - log_largest);
        }
    }

    fn push(&mut self, target: &Target<'_, A>, mass: f64, with_further: bool) {
        self.pairs.push(target.pair);
        self.masses.push(mass);
        self.uniform.extend(target.share);
        if with_further {
            self.further.push(target.further.iter().copied());
        }
    }

    /// The number of the merged candidate with this target, among those from `start` on. If there is none, enters the
    /// next number into the table.
    fn find_or_insert(&self, start: usize, target: &Target<'_, A>, table: &mut [u32]) -> Option<usize> {
        let mask = table.len() - 1;
        let mut place = target.hash() as usize & mask;
        loop {
            match table[place] {
                0 => {
                    table[place] = (self.pairs.len() - start + 1) as u32;
                    return None;
                }
                known if self.equals(start + known as usize - 1, target) => return Some(start + known as usize - 1),
                _ => place = (place + 1) & mask,
            }
        }
    }

    /// Whether a merged candidate has this target; its first class is known to be the same.
    fn equals(&self, number: usize, target: &Target<'_, A>) -> bool {
        let (ours, theirs) = (&self.pairs[number], &target.pair);
        ours.second == theirs.second
            && ours.first_weight == theirs.first_weight
            && ours.second_weight == theirs.second_weight
            && self.uniform.get(number).copied() == target.share
            && self.further.of(number) == target.further
    }
}

/// A candidate's target without its first class, which is the same in the whole group.
struct Target<'l, A> {
    pair: Pair<A>,
    share: Option<A>,
    further: &'l [(u32, A)],
}

impl<A: Accum> Target<'_, A> {
    fn hash(&self) -> u64 {
        let mix = |state: u64, word: u64| (state.rotate_left(23) ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let bits = |value: A| value.as_f64().to_bits();
        let mut state = mix(u64::from(self.pair.second), bits(self.pair.first_weight));
        state = mix(state, bits(self.pair.second_weight));
        if let Some(share) = self.share {
            state = mix(state, bits(share));
        }
        for &(line, weight) in self.further {
            state = mix(mix(state, u64::from(line)), bits(weight));
        }
        state ^ (state >> 32)
    }
}
