//! Blocks of rows: fills the cells with scores, runs the kernel, and computes losses and gradients from its sums.

use std::marker::PhantomData;

use num_traits::{Float, Zero};
use pulp::{Simd, WithSimd};
use softnce_kernels::parallel::{SHARING, for_each, threads_for};
use softnce_kernels::simd::{Block, Cells, Instructions, MapIn, MapOut};

use super::accumulate::{Accumulate, ByLane, Largest, MAX_LANES, Positives, Sums};
use super::plan::{Columns, Plan};
use crate::paths::outputs::Outputs;
use crate::paths::scores::{Scores, zeroed};
use crate::paths::terms::{natural, needs_offset, row_loss};
use crate::{Accum, Element, Error};

/// Columns that are converted at a time, if logits or gradients are of another type than the sums or not contiguous.
const CHUNK: usize = 256;

/// Working memory of a thread.
struct Working<A> {
    cells: Cells,
    /// A chunk of columns of every row. Shape `[lanes, CHUNK]`.
    chunk: Vec<A>,
}

/// Computes the losses and gradients of all rows of `scores`; the first of them is row `from` of the plan's rows.
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
        // One more for the empty line.
        cells: Cells::new::<E::Accum>(plan.columns.len() + 1, lanes),
        chunk: zeroed(lanes * CHUNK),
    };
    for_each(threads, outputs.blocks(lanes), working, |working, out| block(scores, plan, from, working, out))
}

fn block<E: Element, G: Element<Accum = E::Accum>>(
    scores: &Scores<'_, E>,
    plan: &Plan<E::Accum>,
    from: usize,
    working: &mut Working<E::Accum>,
    mut out: Outputs<'_, E::Accum, G>,
) -> Result<(), Error> {
    let zeros = [E::Accum::zero(); MAX_LANES];
    let (first, rows) = (out.first, out.losses.len());
    let candidates: [u32; MAX_LANES] =
        std::array::from_fn(|lane| if lane < rows { plan.positives[from + first + lane] } else { u32::MAX });
    let mut of_lanes: Vec<(u32, u32)> = candidates[..rows].iter().copied().zip(0..).collect();
    of_lanes.sort_unstable();
    let positives = Positives { of_lanes };

    let mut origins = zeros;
    // Per lane: do unequal uniform shares change the exponents by more than rounding?
    let (mut counting, mut means) = ([false; MAX_LANES], zeros);
    for lane in 0..rows {
        let extent = scores.extent(first + lane, &mut working.chunk)?;
        origins[lane] = extent.highest;
        let range = ((extent.highest - extent.lowest) * scores.rate2).as_f64() + scores.shift_extent2;
        let (extent_of_shares, epsilon) = (plan.share_extent, E::Accum::epsilon().as_f64());
        // In the gradient the shares stand as they are, in the exponents they are multiplied by the mean of the scores.
        counting[lane] = extent_of_shares > epsilon || extent_of_shares * range > 4.0 * epsilon;
        counting[lane] &= !plan.uniform.is_empty();
        if counting[lane] {
            let mean = scores.mean2(first + lane, extent.highest, &mut working.chunk);
            means[lane] = E::Accum::of(mean + scores.mean_shift2());
        }
        // Here, while the row is in cache.
        if let Columns::Listed(classes) = &plan.columns {
            let shift = scores.shift2.as_deref();
            list_scores(scores, classes, (first + lane, lane), extent.highest, shift, &mut working.cells);
        }
    }
    if let Columns::All(_) = plan.columns {
        fill_cells(scores, first, rows, &origins, scores.shift2.as_deref(), working);
    }

    let shares_count = counting.contains(&true);
    let mut offsets = zeros;
    if !plan.bounded {
        offsets = scores.instructions.run(Largest { plan, cells: &mut working.cells, means: &means });
    }
    let mut sums = scores.instructions.run(Accumulate {
        plan,
        positives: &positives,
        cells: &mut working.cells,
        means: &means,
        shares_count,
        offsets: &offsets,
    });
    // The other lanes keep their origin and offset, so that no row's result depends on the rows beside it.
    let lost = |sums: &Sums<E::Accum>, lane: usize| needs_offset(sums.own[lane] + sums.others[lane]);
    if (0..rows).any(|lane| lost(&sums, lane)) {
        // A class that does not occur may be so far above the others that their scores have lost all digits. One of
        // the logits themselves as the origin, without any arithmetic: a rounding error of the origin would shift
        // every score.
        let lines = plan.occurring_lines();
        for lane in (0..rows).filter(|&lane| lost(&sums, lane)) {
            let row = first + lane;
            let logits = lines.iter().map(|&line| scores.logit(row, plan.columns.class(line)));
            let largest = logits.fold(E::Accum::neg_infinity(), Float::max);
            if largest.is_finite() {
                origins[lane] = largest;
            }
            if counting[lane] {
                means[lane] = E::Accum::of(scores.mean2(row, origins[lane], &mut working.chunk) + scores.mean_shift2());
            }
        }
        write_scores(scores, plan, (first, rows), &origins, scores.shift2.as_deref(), working);
        let largest = scores.instructions.run(Largest { plan, cells: &mut working.cells, means: &means });
        (0..rows).filter(|&lane| lost(&sums, lane)).for_each(|lane| offsets[lane] = largest[lane]);
        let (cells, means, positives) = (&mut working.cells, &means, &positives);
        let offsets = &offsets;
        sums = scores.instructions.run(Accumulate { plan, positives, cells, means, shares_count, offsets });
    }
    let relative = Relative { offsets, means, counting, origins };
    finish(scores, plan, &candidates[..rows], &sums, &relative, working, &mut out);
    Ok(())
}

/// What a block's scores and sums are relative to, per lane.
struct Relative<A> {
    /// The sums are divided by `2^offset`.
    offsets: ByLane<A>,
    /// Means of the scores; 0 in lanes where the uniform shares do not count.
    means: ByLane<A>,
    /// Whether the uniform shares count.
    counting: [bool; MAX_LANES],
    /// The logits whose score, without the shift, is 0.
    origins: ByLane<A>,
}

/// Computes the losses and gradients of a block's rows from its sums.
fn finish<E: Element, G: Element<Accum = E::Accum>>(
    scores: &Scores<'_, E>,
    plan: &Plan<E::Accum>,
    candidates: &[u32],
    sums: &Sums<E::Accum>,
    relative: &Relative<E::Accum>,
    working: &mut Working<E::Accum>,
    out: &mut Outputs<'_, E::Accum, G>,
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
        out.losses[lane] = row_loss(own, others, log_multiplicity, offset, natural(score));
        if let Some((scale, wants)) = out.demand(lane, scores.temperature) {
            wants_temperature = wants;
            // The positive's coefficient P - 1 = -others / (own + others), which keeps its digits where P is near 1.
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
    if out.gradients.is_none() {
        return;
    }
    if wants_temperature {
        temperature_gradients(scores, plan, candidates.len(), (&shares, &floors), relative, working, out);
    }
    let map = MapOut { factors: &shares, addends: &floors, scales: &scales };
    match &plan.columns {
        Columns::All(_) => write_cells(scores.instructions, candidates.len(), map, working, out),
        Columns::Listed(classes) => write_listed(classes, candidates.len(), lanes, map, working, out),
    }
}

/// Fills the cells with the scores of a block's rows, given by the first one and their number.
fn write_scores<E: Element>(
    scores: &Scores<'_, E>,
    plan: &Plan<E::Accum>,
    (first, rows): (usize, usize),
    origins: &ByLane<E::Accum>,
    shift: Option<&[E::Accum]>,
    working: &mut Working<E::Accum>,
) {
    match &plan.columns {
        Columns::Listed(classes) => {
            for (lane, &origin) in origins.iter().enumerate().take(rows) {
                list_scores(scores, classes, (first + lane, lane), origin, shift, &mut working.cells);
            }
        }
        Columns::All(_) => fill_cells(scores, first, rows, origins, shift, working),
    }
}

/// Fills the cells with the scores of all columns.
fn fill_cells<E: Element>(
    scores: &Scores<'_, E>,
    first: usize,
    rows: usize,
    origins: &ByLane<E::Accum>,
    shift: Option<&[E::Accum]>,
    working: &mut Working<E::Accum>,
) {
    // Lanes beyond the rows repeat the last row.
    let origins: &ByLane<E::Accum> = &std::array::from_fn(|lane| origins[lane.min(rows - 1)]);
    let classes = scores.classes();
    if let Some(values) = scores.in_place() {
        let block = Block { values: &values[first * classes..], stride: classes, rows };
        let map = MapIn { origins, factor: scores.rate2, shift };
        return scores.instructions.run(Fill { block, map, cells: &mut working.cells, from: 0, columns: classes });
    }
    for from in (0..classes).step_by(CHUNK) {
        let columns = from..(from + CHUNK).min(classes);
        for (row, chunk) in working.chunk.chunks_exact_mut(CHUNK).enumerate().take(rows) {
            let chunk = &mut chunk[..columns.len()];
            // Copied even if this row alone is contiguous, because the block is transposed as a whole.
            let mut own = [E::Accum::zero(); CHUNK];
            let values = scores.logits(first + row, columns.clone(), &mut own[..columns.len()]);
            chunk.copy_from_slice(values);
        }
        let block = Block { values: &working.chunk[..], stride: CHUNK, rows };
        let shift = shift.map(|shift| &shift[columns.clone()]);
        let map = MapIn { origins, factor: scores.rate2, shift };
        let columns = columns.len();
        scores.instructions.run(Fill { block, map, cells: &mut working.cells, from, columns });
    }
}

/// Fills one lane of the cells with the scores of the listed columns of a row.
fn list_scores<E: Element>(
    scores: &Scores<'_, E>,
    classes: &[u32],
    (row, lane): (usize, usize),
    origin: E::Accum,
    shift: Option<&[E::Accum]>,
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
    if let Some(shift) = shift {
        let out = cells[lane..].iter_mut().step_by(2 * lanes);
        out.zip(classes).for_each(|(score, &class)| *score += shift[class as usize]);
    }
}

/// Writes the sums in the cells to the block's rows of gradients, for all columns.
fn write_cells<A: Accum, G: Element<Accum = A>>(
    instructions: Instructions,
    rows: usize,
    map: MapOut<'_, A>,
    working: &mut Working<A>,
    out: &mut Outputs<'_, A, G>,
) {
    let Some(gradients) = &mut out.gradients else { return };
    let classes = gradients.logits.ncols();
    if let Some(values) = gradients.in_place() {
        let block = Block { values, stride: classes, rows };
        return instructions.run(Write { cells: &mut working.cells, from: 0, columns: classes, map, block });
    }
    for from in (0..classes).step_by(CHUNK) {
        let columns = CHUNK.min(classes - from);
        let block = Block { values: &mut working.chunk[..], stride: CHUNK, rows };
        instructions.run(Write { cells: &mut working.cells, from, columns, map, block });
        for (row, chunk) in working.chunk.chunks_exact(CHUNK).enumerate().take(rows) {
            gradients.write(row, from, &chunk[..columns]);
        }
    }
}

/// Writes the sums in the cells to the listed columns of the block's rows of gradients. The gradient of the other
/// columns is the floor.
fn write_listed<A: Accum, G: Element<Accum = A>>(
    classes: &[u32],
    rows: usize,
    lanes: usize,
    map: MapOut<'_, A>,
    working: &mut Working<A>,
    out: &mut Outputs<'_, A, G>,
) {
    let Some(gradients) = &mut out.gradients else { return };
    let cells: &[A] = working.cells.values();
    for row in 0..rows {
        let (share, floor, scale) = (map.factors[row], map.addends[row], map.scales[row]);
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

/// Writes the gradients with respect to the temperature, from `sum_k dL/dS_k (z_k - origin) / tau` of each row.
fn temperature_gradients<E: Element, G: Element<Accum = E::Accum>>(
    scores: &Scores<'_, E>,
    plan: &Plan<E::Accum>,
    rows: usize,
    (shares, floors): (&ByLane<E::Accum>, &ByLane<E::Accum>),
    relative: &Relative<E::Accum>,
    working: &mut Working<E::Accum>,
    out: &mut Outputs<'_, E::Accum, G>,
) {
    // The scores without the noise, from the logits: beside its logarithm small logits are rounded away.
    if scores.shift2.is_some() {
        write_scores(scores, plan, (out.first, rows), &relative.origins, None, working);
    }
    let lanes = lanes::<E::Accum>(scores.instructions);
    let cells: &[E::Accum] = working.cells.values();
    let mut dots = [0.0; MAX_LANES];
    for line in 0..plan.columns.len() {
        let (scores_at, sums_at) = (2 * line * lanes, (2 * line + 1) * lanes);
        for lane in 0..rows {
            let sum = cells[sums_at + lane] * shares[lane];
            dots[lane] += sum.as_f64() * cells[scores_at + lane].as_f64();
        }
    }
    for (row, dot) in dots.iter_mut().enumerate().take(rows) {
        if relative.counting[row] {
            let mean = scores.mean2(out.first + row, relative.origins[row], &mut working.chunk);
            *dot += floors[row].as_f64() * scores.classes() as f64 * mean;
        }
        out.write_temperature(row, natural(*dot), scores.temperature);
    }
}

/// The number of lanes that a vector of the type has in an instruction set.
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

/// Fills cells, from the column `from` on, with the scores of a block.
struct Fill<'f, A> {
    block: Block<&'f [A]>,
    map: MapIn<'f, A>,
    cells: &'f mut Cells,
    from: usize,
    columns: usize,
}

impl<A: Accum> WithSimd for Fill<'_, A> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let cells = &mut self.cells.cells::<A, S>()[self.from..self.from + self.columns];
        A::cells_of_columns(simd, self.block, self.map, cells);
    }
}

/// Writes the sums of cells, from the column `from` on, to a block of gradients.
struct Write<'w, A> {
    cells: &'w mut Cells,
    from: usize,
    columns: usize,
    map: MapOut<'w, A>,
    block: Block<&'w mut [A]>,
}

impl<A: Accum> WithSimd for Write<'_, A> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let cells = &self.cells.cells::<A, S>()[self.from..self.from + self.columns];
        A::columns_of_cells(simd, cells, self.map, self.block);
    }
}
