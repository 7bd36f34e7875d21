//! Blocks of rows: scores into cells, the kernel, losses, and cells into gradients.

use std::marker::PhantomData;

use num_traits::{Float, Zero};
use pulp::{Simd, WithSimd};
use softnce_kernels::parallel::{SHARING, for_each, threads_for};
use softnce_kernels::simd::{Block, BlockMut, Cells, Instructions, ToGradient, ToScore};

use super::accumulate::{Accumulate, ByLane, Largest, LargestClass, MAX_LANES, Positives, Sums};
use super::plan::{Columns, Plan};
use crate::paths::outputs::Part;
use crate::paths::scores::zeroed;
use crate::paths::{Outputs, Scores, natural, out_of_reach, row_loss};
use crate::{Accum, Element, Error};

/// Columns converted at a time, where logits or gradients are of another type than the sums or lie apart.
const CHUNK: usize = 256;

/// Working memory of a thread.
struct Working<A> {
    cells: Cells,
    /// A chunk of columns of every row. Shape `[lanes, CHUNK]`; a whole row of gradients where columns are listed.
    chunk: Vec<A>,
}

/// Runs the rows of the scores against a plan; the first of them is row `from` of those that the plan is for.
pub(crate) fn run_plan<E: Element, G: Element<Accum = E::Accum>>(
    scores: &Scores<'_, E>,
    plan: &Plan<E::Accum>,
    from: usize,
    outputs: &mut Outputs<'_, E::Accum, G>,
) -> Result<(), Error> {
    let lanes = lanes::<E::Accum>(scores.instructions);
    let blocks = scores.rows().div_ceil(lanes);
    let threads = threads_for(blocks * (plan.pairs.len() * 16 + scores.classes() * 8), SHARING, blocks);
    let working = || Working::<E::Accum> {
        // And the empty class.
        cells: Cells::new::<E::Accum>(plan.columns.len() + 1, lanes),
        chunk: zeroed(lanes * CHUNK),
    };
    for_each(threads, outputs.parts(lanes), working, |working, part| block(scores, plan, from, working, part))
}

fn block<E: Element, G: Element<Accum = E::Accum>>(
    scores: &Scores<'_, E>,
    plan: &Plan<E::Accum>,
    from: usize,
    working: &mut Working<E::Accum>,
    mut part: Part<'_, E::Accum, G>,
) -> Result<(), Error> {
    let zeros = [E::Accum::zero(); MAX_LANES];
    let (first, rows) = (part.first, part.losses.len());
    let candidates: [u32; MAX_LANES] =
        std::array::from_fn(|lane| if lane < rows { plan.positives[from + first + lane] } else { u32::MAX });
    let mut of_lanes: Vec<(u32, u32)> = candidates[..rows].iter().copied().zip(0..).collect();
    of_lanes.sort_unstable();
    let positives = Positives { of_lanes };

    let mut origins = zeros;
    // Of each lane, whether its uniform shares count: else they leave its exponents as they are, but for rounding.
    let (mut counting, mut means) = ([false; MAX_LANES], zeros);
    for lane in 0..rows {
        let extent = scores.extent(first + lane, &mut working.chunk)?;
        origins[lane] = extent.highest;
        let range = ((extent.highest - extent.lowest) * scores.rate2).as_f64() + scores.shift_extent2;
        let (extent_of_shares, epsilon) = (plan.share_extent, E::Accum::epsilon().as_f64());
        // In the gradient they stand as they are, in the exponents times the mean of the scores.
        counting[lane] = extent_of_shares > epsilon || extent_of_shares * range > 4.0 * epsilon;
        counting[lane] &= !plan.uniform.is_empty();
        if counting[lane] {
            let mean = scores.mean2(first + lane, extent.highest, &mut working.chunk);
            means[lane] = E::Accum::of(mean + scores.mean_shift2());
        }
        // While the row is in cache.
        if let Columns::Listed(classes) = &plan.columns {
            list_scores(scores, classes, (first + lane, lane), extent.highest, &mut working.cells);
        }
    }
    if let Columns::All(_) = plan.columns {
        fill_cells(scores, first, rows, &origins, working);
    }

    let shares_count = counting.contains(&true);
    let mut offsets = zeros;
    if !plan.bounded {
        offsets = scores.instructions.run(Largest { plan, cells: &mut working.cells, means: &means });
    }
    let accumulate = |offsets: &ByLane<E::Accum>, working: &mut Working<E::Accum>| {
        let (cells, means, positives) = (&mut working.cells, &means, &positives);
        scores.instructions.run(Accumulate { plan, positives, cells, means, shares_count, offsets })
    };
    let mut sums = accumulate(&offsets, working);
    // The other rows stay as they are, so that no row's result depends on which rows stand beside it.
    let lost = |sums: &Sums<E::Accum>, lane: usize| out_of_reach(sums.own[lane] + sums.others[lane]);
    if (0..rows).any(|lane| lost(&sums, lane)) {
        // First relative to the largest class that occurs: one that does not may have taken all digits.
        let largest = scores.instructions.run(LargestClass { plan, cells: &mut working.cells });
        for lane in (0..rows).filter(|&lane| lost(&sums, lane) && !counting[lane]) {
            if largest[lane] < E::Accum::zero() && plan.bounded {
                origins[lane] += largest[lane] / scores.rate2;
            }
        }
        match &plan.columns {
            Columns::Listed(classes) => {
                for (lane, &origin) in origins.iter().enumerate().take(rows) {
                    list_scores(scores, classes, (first + lane, lane), origin, &mut working.cells);
                }
            }
            Columns::All(_) => fill_cells(scores, first, rows, &origins, working),
        }
        let largest = scores.instructions.run(Largest { plan, cells: &mut working.cells, means: &means });
        (0..rows).filter(|&lane| lost(&sums, lane)).for_each(|lane| offsets[lane] = largest[lane]);
        sums = accumulate(&offsets, working);
    }
    let relative = Relative { offsets, means, counting, origins };
    finish(scores, plan, &candidates[..rows], &sums, &relative, working, &mut part);
    Ok(())
}

/// What a block's scores and sums are relative to, by lane.
struct Relative<A> {
    /// Exponents of the sums.
    offsets: ByLane<A>,
    /// Means of the scores, where the uniform shares count.
    means: ByLane<A>,
    counting: [bool; MAX_LANES],
    /// Logits of score 0.
    origins: ByLane<A>,
}

/// Losses and gradients of a block's rows from its sums.
fn finish<E: Element, G: Element<Accum = E::Accum>>(
    scores: &Scores<'_, E>,
    plan: &Plan<E::Accum>,
    candidates: &[u32],
    sums: &Sums<E::Accum>,
    relative: &Relative<E::Accum>,
    working: &mut Working<E::Accum>,
    part: &mut Part<'_, E::Accum, G>,
) {
    let zeros = [E::Accum::zero(); MAX_LANES];
    let (mut shares, mut floors, mut scales) = (zeros, zeros, zeros);
    let lanes = lanes::<E::Accum>(scores.instructions);
    let classes = E::Accum::of(scores.classes() as f64);
    let mut wants_temperature = false;
    for (lane, &candidate) in candidates.iter().enumerate() {
        let candidate = candidate as usize;
        let (own, others) = (sums.own[lane], sums.others[lane]);
        let line = plan.first_line(candidate);
        let share = plan.uniform.get(candidate).copied().unwrap_or(E::Accum::zero());
        let score = {
            let cells: &[E::Accum] = working.cells.values();
            let start = share.as_f64() * relative.means[lane].as_f64();
            plan.terms(candidate, line)
                .fold(start, |score, (line, weight)| score + weight.as_f64() * cells[2 * line * lanes + lane].as_f64())
        };
        let log_multiplicity = natural(plan.pairs[candidate].log2_multiplicity.as_f64()) + plan.log_unit;
        let offset = natural(relative.offsets[lane].as_f64()) + plan.log_unit;
        part.losses[lane] = row_loss(own, others, log_multiplicity, offset, natural(score));
        if let Some((scale, wants)) = part.demand(lane, scores.temperature) {
            wants_temperature = wants;
            // The positive's coefficient P - 1, without the cancellation where P nears 1.
            let cells: &mut [E::Accum] = working.cells.values_mut();
            for (line, weight) in plan.terms(candidate, line) {
                let sum = &mut cells[(2 * line + 1) * lanes + lane];
                *sum = *sum - others * weight;
            }
            shares[lane] = (own + others).recip();
            if relative.counting[lane] {
                floors[lane] = (sums.spread[lane] - others * share) / classes * shares[lane];
            }
            scales[lane] = scale;
        }
    }
    if part.gradients.is_none() {
        return;
    }
    if wants_temperature {
        temperature_gradients(scores, plan, candidates.len(), (&shares, &floors), relative, working, part);
    }
    let to = ToGradient { shares: &shares, floors: &floors, scales: &scales };
    match &plan.columns {
        Columns::All(_) => write_cells(scores.instructions, candidates.len(), to, working, part),
        Columns::Listed(classes) => write_listed(classes, candidates.len(), lanes, to, working, part),
    }
}

/// All columns of the block's rows into cells.
fn fill_cells<E: Element>(
    scores: &Scores<'_, E>,
    first: usize,
    rows: usize,
    origins: &ByLane<E::Accum>,
    working: &mut Working<E::Accum>,
) {
    // Lanes beyond the rows repeat the last one.
    let origins: &ByLane<E::Accum> = &std::array::from_fn(|lane| origins[lane.min(rows - 1)]);
    let (classes, rate) = (scores.classes(), scores.rate2);
    if let Some(values) = scores.in_place() {
        let block = Block { values: &values[first * classes..], stride: classes, rows, first: 0 };
        let to = ToScore { origins, rate, shift: scores.shift2.as_deref() };
        return scores.instructions.run(Fill { block, to, cells: &mut working.cells, from: 0, columns: classes });
    }
    for from in (0..classes).step_by(CHUNK) {
        let columns = from..(from + CHUNK).min(classes);
        for (row, chunk) in working.chunk.chunks_exact_mut(CHUNK).enumerate().take(rows) {
            let chunk = &mut chunk[..columns.len()];
            // Where a chunk lies in place by itself, it is copied all the same: the block is turned as one.
            let mut own = [E::Accum::zero(); CHUNK];
            let values = scores.logits(first + row, columns.clone(), &mut own[..columns.len()]);
            chunk.copy_from_slice(values);
        }
        let block = Block { values: &working.chunk, stride: CHUNK, rows, first: 0 };
        let shift = scores.shift2.as_ref().map(|shift| &shift[columns.clone()]);
        let to = ToScore { origins, rate, shift };
        let columns = columns.len();
        scores.instructions.run(Fill { block, to, cells: &mut working.cells, from, columns });
    }
}

/// The listed columns of one row into their cells.
fn list_scores<E: Element>(
    scores: &Scores<'_, E>,
    classes: &[u32],
    (row, lane): (usize, usize),
    origin: E::Accum,
    cells: &mut Cells,
) {
    let lanes = lanes::<E::Accum>(scores.instructions);
    let cells: &mut [E::Accum] = cells.values_mut();
    let out = cells[lane..].iter_mut().step_by(2 * lanes);
    match scores.row_in_place(row) {
        Some(logits) => {
            out.zip(classes).for_each(|(score, &class)| *score = (logits[class as usize] - origin) * scores.rate2);
        }
        None => out.zip(classes).for_each(|(score, &class)| {
            *score = (scores.logit(row, class as usize) - origin) * scores.rate2;
        }),
    }
    if let Some(shift) = &scores.shift2 {
        let out = cells[lane..].iter_mut().step_by(2 * lanes);
        out.zip(classes).for_each(|(score, &class)| *score += shift[class as usize]);
    }
}

/// All cells into the block's rows of gradients.
fn write_cells<A: Accum, G: Element<Accum = A>>(
    instructions: Instructions,
    rows: usize,
    to: ToGradient<'_, A>,
    working: &mut Working<A>,
    part: &mut Part<'_, A, G>,
) {
    let Some(gradients) = &mut part.gradients else { return };
    let classes = gradients.logits.ncols();
    if let Some(values) = gradients.in_place() {
        let block = BlockMut { values, stride: classes, rows, first: 0 };
        return instructions.run(Write { cells: &mut working.cells, from: 0, columns: classes, to, block });
    }
    for from in (0..classes).step_by(CHUNK) {
        let columns = CHUNK.min(classes - from);
        let block = BlockMut { values: &mut working.chunk, stride: CHUNK, rows, first: 0 };
        instructions.run(Write { cells: &mut working.cells, from, columns, to, block });
        for (row, chunk) in working.chunk.chunks_exact(CHUNK).enumerate().take(rows) {
            gradients.write(row, from, &chunk[..columns]);
        }
    }
}

/// The cells of listed columns into the block's rows of gradients; the other columns have the floor alone.
fn write_listed<A: Accum, G: Element<Accum = A>>(
    classes: &[u32],
    rows: usize,
    lanes: usize,
    to: ToGradient<'_, A>,
    working: &mut Working<A>,
    part: &mut Part<'_, A, G>,
) {
    let Some(gradients) = &mut part.gradients else { return };
    let cells: &[A] = working.cells.values();
    for row in 0..rows {
        let (share, floor, scale) = (to.shares[row], to.floors[row], to.scales[row]);
        let others = G::from_accum(floor * scale);
        if floor != A::zero() {
            gradients.logits.row_mut(row).fill(others);
        } else if !gradients.zeroed {
            gradients.logits.row_mut(row).fill(G::default());
        }
        let sums = classes.iter().zip(cells[lanes + row..].iter().step_by(2 * lanes));
        match gradients.row_in_place(row) {
            Some(out) => sums.for_each(|(&class, &sum)| out[class as usize] = (sum * share + floor) * scale),
            None => {
                let mut out = gradients.logits.row_mut(row);
                sums.for_each(|(&class, &sum)| out[class as usize] = G::from_accum((sum * share + floor) * scale));
            }
        }
    }
}

/// `sum_k dL/dS_k (z_k - origin) / tau` of each row.
fn temperature_gradients<E: Element, G: Element<Accum = E::Accum>>(
    scores: &Scores<'_, E>,
    plan: &Plan<E::Accum>,
    rows: usize,
    (shares, floors): (&ByLane<E::Accum>, &ByLane<E::Accum>),
    relative: &Relative<E::Accum>,
    working: &mut Working<E::Accum>,
    part: &mut Part<'_, E::Accum, G>,
) {
    let lanes = lanes::<E::Accum>(scores.instructions);
    let cells: &[E::Accum] = working.cells.values();
    let mut dots = [0.0; MAX_LANES];
    for line in 0..plan.columns.len() {
        let class = match &plan.columns {
            Columns::All(_) => line,
            Columns::Listed(classes) => classes[line] as usize,
        };
        let shift = scores.shift2.as_ref().map_or(E::Accum::zero(), |shift| shift[class]);
        let (scores_at, sums_at) = (2 * line * lanes, (2 * line + 1) * lanes);
        for lane in 0..rows {
            // A class without weight may be so far above the others that its score means nothing.
            let sum = cells[sums_at + lane] * shares[lane];
            if sum != E::Accum::zero() {
                dots[lane] += sum.as_f64() * (cells[scores_at + lane] - shift).as_f64();
            }
        }
    }
    for (row, dot) in dots.iter_mut().enumerate().take(rows) {
        if relative.counting[row] {
            let mean = scores.mean2(part.first + row, relative.origins[row], &mut working.chunk);
            *dot += floors[row].as_f64() * scores.classes() as f64 * mean;
        }
        part.write_temperature(row, natural(*dot), scores.temperature);
    }
}

/// Number of lanes of the type in an instruction set.
fn lanes<A: Accum>(instructions: Instructions) -> usize {
    struct Lanes<A>(PhantomData<A>);
    impl<A: Accum> WithSimd for Lanes<A> {
        type Output = usize;
        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) -> usize {
            A::lanes::<S>()
        }
    }
    instructions.run(Lanes::<A>(PhantomData))
}

struct Fill<'f, A> {
    block: Block<'f, A>,
    to: ToScore<'f, A>,
    cells: &'f mut Cells,
    from: usize,
    columns: usize,
}

impl<A: Accum> WithSimd for Fill<'_, A> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let cells = &mut self.cells.cells::<A, S>()[self.from..self.from + self.columns];
        A::cells_of_columns(simd, self.block, self.to, cells);
    }
}

struct Write<'w, A> {
    cells: &'w mut Cells,
    from: usize,
    columns: usize,
    to: ToGradient<'w, A>,
    block: BlockMut<'w, A>,
}

impl<A: Accum> WithSimd for Write<'_, A> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let cells = &self.cells.cells::<A, S>()[self.from..self.from + self.columns];
        A::columns_of_cells(simd, cells, self.to, self.block);
    }
}
