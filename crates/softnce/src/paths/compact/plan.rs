//! The candidates as the kernel takes them: equal ones merged, in the order of their first class.

use crate::paths::relative_logs;
use crate::targets::Rows;
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
    /// Relative to the largest.
    pub(crate) log_multiplicity: A,
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
    /// Which merged candidate each candidate became. Shape `[M]`.
    pub(crate) merged: Vec<u32>,
    /// The logarithm of the largest multiplicity.
    pub(crate) log_unit: A,
}

/// The candidates one after another; the weighted classes of candidate j end at `ends[j]`, in ascending order.
struct Listing<A> {
    ends: Vec<u32>,
    terms: Vec<(u32, A)>,
    uniform: Vec<f64>,
}

impl<A: Accum> Plan<A> {
    /// The plan for a batch whose rows are compact or hard, over `classes` classes with a logit each.
    pub(crate) fn over_all(batch: &Batch<'_>, classes: usize) -> Self {
        let mut listing = Listing::new(batch);
        let uniform = listing.take_unequal();
        let mut present = vec![u32::MAX; classes];
        listing.terms.iter().for_each(|&(class, _)| present[class as usize] = 0);
        let count = present.iter().filter(|&&mark| mark == 0).count();
        // Where they are few, their columns are picked one by one, at some eight times the cost of one in a stretch.
        let columns = if uniform.is_some() || count * 8 >= classes {
            Columns::All(classes)
        } else {
            let listed: Vec<u32> = (0..classes as u32).filter(|&class| present[class as usize] == 0).collect();
            (0..).zip(&listed).for_each(|(line, &class)| present[class as usize] = line);
            listing.terms.iter_mut().for_each(|(class, _)| *class = present[*class as usize]);
            Columns::Listed(listed)
        };
        Plan::merge(batch, listing, uniform, columns)
    }

    fn merge(batch: &Batch<'_>, listing: Listing<A>, uniform: Option<Vec<f64>>, columns: Columns) -> Self {
        let candidates = listing.ends.len();
        let share = |candidate: usize| uniform.as_ref().map_or(A::zero(), |uniform| A::of(uniform[candidate]));
        let (distinct, mut merged) = distinct(candidates, |candidate| (listing.of(candidate), share(candidate)));
        let mut masses = vec![0.0; distinct.len()];
        let given = batch.multiplicities();
        // Counted in units of the largest, so that the sum of huge ones stays in range.
        let unit = given.map_or(1.0, |given| given.iter().copied().fold(0.0, f64::max));
        for (candidate, &kept) in merged.iter().enumerate() {
            masses[kept as usize] += given.map_or(1.0, |given| given[candidate] / unit);
        }
        let (logs, largest) = relative_logs(&masses);

        // By the line of the first class (counting sort); those without a class have the empty line.
        let empty = columns.len() as u32;
        let first_line = |kept: u32| listing.of(kept as usize).first().map_or(empty, |&(line, _)| line);
        let mut starts = vec![0u32; columns.len() + 2];
        distinct.iter().for_each(|&kept| starts[first_line(kept) as usize + 1] += 1);
        (1..starts.len()).for_each(|line| starts[line] += starts[line - 1]);
        let mut order = vec![0u32; distinct.len()];
        let mut places = vec![0u32; distinct.len()];
        let mut next = starts.clone();
        for (number, &kept) in distinct.iter().enumerate() {
            let place = &mut next[first_line(kept) as usize];
            order[*place as usize] = number as u32;
            places[number] = *place;
            *place += 1;
        }
        merged.iter_mut().for_each(|kept| *kept = places[*kept as usize]);
        let bounds = (0..=empty).zip(starts.windows(2));
        let groups = bounds.filter(|(_, bounds)| bounds[0] < bounds[1]);
        let groups = groups.map(|(line, bounds)| Group { line, end: bounds[1] }).collect();

        let mut plan = Plan {
            groups,
            pairs: Vec::with_capacity(distinct.len()),
            uniform: Vec::new(),
            rest: Vec::new(),
            rest_ends: Vec::new(),
            merged,
            log_unit: A::of(largest + unit.ln()),
            columns,
        };
        let longest = distinct.iter().map(|&kept| listing.of(kept as usize).len()).max().unwrap_or(0);
        for &number in &order {
            let kept = distinct[number as usize] as usize;
            let terms = listing.of(kept);
            let (_, first_weight) = terms.first().copied().unwrap_or((empty, A::zero()));
            let (second, second_weight) = terms.get(1).copied().unwrap_or((empty, A::zero()));
            let log_multiplicity = A::of(logs[number as usize]);
            plan.pairs.push(Pair { first_weight, second_weight, log_multiplicity, second });
            if uniform.is_some() {
                plan.uniform.push(share(kept));
            }
            if longest > 2 {
                plan.rest.extend(terms.iter().skip(2));
                plan.rest_ends.push(plan.rest.len() as u32);
            }
        }
        plan
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

impl<A: Accum> Listing<A> {
    fn new(batch: &Batch<'_>) -> Self {
        let candidates = batch.candidates();
        let mut listing = Listing {
            ends: Vec::with_capacity(candidates),
            terms: Vec::with_capacity(2 * candidates),
            uniform: Vec::with_capacity(candidates),
        };
        for segment in batch.segments() {
            match &segment.rows {
                Rows::Hard(labels) => labels.iter().for_each(|&label| listing.push(&[(label, 1.0)], 0.0)),
                Rows::Compact(rows) => {
                    let mut row_terms: Vec<(u32, f64)> = Vec::new();
                    for row in 0..rows.len() {
                        let (classes, weights) = rows.row(row);
                        row_terms.clear();
                        // A class that stands twice has all its weight at its first place.
                        let terms = classes.iter().copied().zip(weights.iter().copied());
                        row_terms.extend(terms.filter(|&(_, weight)| weight != 0.0));
                        match &mut row_terms[..] {
                            [] | [_] => {}
                            [first, second] if first.0 <= second.0 => {}
                            terms => terms.sort_unstable_by_key(|&(class, _)| class),
                        }
                        listing.push(&row_terms, rows.uniform[row]);
                    }
                }
                Rows::Dense(_) => {}
            }
        }
        listing
    }

    fn push(&mut self, terms: &[(u32, f64)], uniform: f64) {
        self.terms.extend(terms.iter().map(|&(class, weight)| (class, A::of(weight))));
        self.ends.push(self.terms.len() as u32);
        self.uniform.push(uniform);
    }

    fn of(&self, candidate: usize) -> &[(u32, A)] {
        let start = if candidate == 0 { 0 } else { self.ends[candidate - 1] };
        &self.terms[start as usize..self.ends[candidate] as usize]
    }

    /// The uniform shares, where they differ by more than the accumulating type can tell beside 1.
    ///
    /// They stay as well where a class lies below its share: without it such a row's score could be above the largest
    /// class's.
    fn take_unequal(&mut self) -> Option<Vec<f64>> {
        let uniform = std::mem::take(&mut self.uniform);
        let extent = |(low, high): (f64, f64), &share: &f64| (low.min(share), high.max(share));
        let (low, high) = uniform.iter().fold((f64::INFINITY, f64::NEG_INFINITY), extent);
        let equal = high - low <= A::epsilon().as_f64();
        let below = high > 0.0 && self.terms.iter().any(|&(_, weight)| weight < A::zero());
        (!equal || below).then_some(uniform)
    }
}

/// The first of each kind of candidate, and for each candidate the number of its kind.
fn distinct<'t, A: Accum>(candidates: usize, key: impl Fn(usize) -> (&'t [(u32, A)], A)) -> (Vec<u32>, Vec<u32>) {
    // Open addressing in a table at most half full; 0 is a free place.
    let mask = (2 * candidates).next_power_of_two() - 1;
    let mut table = vec![0u32; mask + 1];
    let (mut firsts, mut kinds): (Vec<u32>, _) = (Vec::with_capacity(candidates), Vec::with_capacity(candidates));
    for candidate in 0..candidates {
        let (terms, share) = key(candidate);
        let mut place = hash(terms, share) as usize & mask;
        let kind = loop {
            match table[place] {
                0 => {
                    firsts.push(candidate as u32);
                    table[place] = firsts.len() as u32;
                    break firsts.len() as u32 - 1;
                }
                known if key(firsts[known as usize - 1] as usize) == (terms, share) => break known - 1,
                _ => place = (place + 1) & mask,
            }
        };
        kinds.push(kind);
    }
    (firsts, kinds)
}

fn hash<A: Accum>(terms: &[(u32, A)], share: A) -> u64 {
    let mix = |state: u64, word: u64| (state.rotate_left(23) ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let state =
        terms.iter().fold(0, |state, &(class, weight)| mix(mix(state, u64::from(class)), weight.as_f64().to_bits()));
    let state = mix(state, share.as_f64().to_bits());
    state ^ (state >> 32)
}
