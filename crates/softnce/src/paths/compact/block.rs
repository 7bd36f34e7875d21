//! Blocks of rows: runs the kernel on the scores in the cells, and computes losses and gradients from its sums.

use num_traits::{Float, Zero};
use softnce_kernels::parallel::{SHARING, for_each, threads_for};
use softnce_kernels::simd::{Cells, Instructions, MapOut};

use super::accumulate::{Accumulate, Largest, MAX_LANES, Positives, Sums};
use super::cells::{Relative, Working, fill_cells, lanes, list_scores, write_scores};
use super::gradients::{temperature_gradients, write_cells, write_listed};
use super::plan::{Columns, Plan};
use crate::paths::outputs::Outputs;
use crate::paths::scores::Scores;
use crate::paths::terms::{natural, needs_offset, row_loss};
use crate::{Accum, Element, Error};

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
    let working = || Working::new(plan, lanes);
    for_each(threads, outputs.blocks(lanes), working, |working, out| block(scores, plan, from, working, out))
}

/// Computes the losses and gradients of a block's rows.
fn block<E: Element, G: Element<Accum = E::Accum>>(
    scores: &Scores<'_, E>,
    plan: &Plan<E::Accum>,
    from: usize,
    working: &mut Working<E::Accum>,
    mut out: Outputs<'_, E::Accum, G>,
) -> Result<(), Error> {
    let (first, rows) = (out.first, out.losses.len());
    let candidates = &plan.positives[from + first..][..rows];
    let positives = Positives::new(candidates);
    let mut relative = prepare(scores, plan, (first, rows), working)?;
    let mut sums = accumulate(scores.instructions, plan, &positives, &relative, &mut working.cells);
    let lost: [bool; MAX_LANES] =
        std::array::from_fn(|lane| lane < rows && needs_offset(sums.own[lane] + sums.others[lane]));
    if lost.contains(&true) {
        find_offsets(scores, plan, (first, rows), &lost, &mut relative, working);
        sums = accumulate(scores.instructions, plan, &positives, &relative, &mut working.cells);
    }
    finish(scores, plan, candidates, &sums, &relative, working, &mut out);
    Ok(())
}

/// Checks the logits of a block's rows, given by the first one and their number, and fills the cells with the scores.
fn prepare<E: Element>(
    scores: &Scores<'_, E>,
    plan: &Plan<E::Accum>,
    (first, rows): (usize, usize),
    working: &mut Working<E::Accum>,
) -> Result<Relative<E::Accum>, Error> {
    let zeros = [E::Accum::zero(); MAX_LANES];
    let mut relative = Relative { offsets: zeros, means: zeros, counting: [false; MAX_LANES], origins: zeros };
    for lane in 0..rows {
        let extent = scores.extent(first + lane, &mut working.chunk)?;
        relative.origins[lane] = extent.highest;
        let range = ((extent.highest - extent.lowest) * scores.rate2).as_f64() + scores.shift_extent2;
        let (extent_of_shares, epsilon) = (plan.share_extent, E::Accum::epsilon().as_f64());
        // In the gradient the shares stand as they are, in the exponents they are multiplied by the mean of the scores.
        let more_than_rounding = extent_of_shares > epsilon || extent_of_shares * range > 4.0 * epsilon;
        relative.counting[lane] = more_than_rounding && !plan.uniform.is_empty();
        if relative.counting[lane] {
            let mean = scores.mean2(first + lane, extent.highest, &mut working.chunk);
            relative.means[lane] = E::Accum::of(mean + scores.mean_shift2());
        }
        // Here, while the row is in cache.
        if let Columns::Listed(classes) = &plan.columns {
            let shift = scores.shift2.as_deref();
            list_scores(scores, classes, (first + lane, lane), extent.highest, shift, &mut working.cells);
        }
    }
    if let Columns::All(_) = plan.columns {
        fill_cells(scores, first, rows, &relative.origins, scores.shift2.as_deref(), working);
    }
    if !plan.bounded {
        let (cells, means) = (&mut working.cells, &relative.means);
        relative.offsets = scores.instructions.run(Largest { plan, cells, means });
    }
    Ok(relative)
}

/// Adds up the terms of all candidates.
fn accumulate<A: Accum>(
    instructions: Instructions,
    plan: &Plan<A>,
    positives: &Positives,
    relative: &Relative<A>,
    cells: &mut Cells,
) -> Sums<A> {
    let Relative { offsets, means, counting, .. } = relative;
    let shares_count = counting.contains(&true);
    instructions.run(Accumulate { plan, positives, cells, means, shares_count, offsets })
}

/// For the lanes whose sums are lost: takes the largest logit of a class that occurs as the origin and the largest
/// exponent as the offset, and fills the cells again. The other lanes keep their origin and offset, so that no row's
/// result depends on the rows beside it.
fn find_offsets<E: Element>(
    scores: &Scores<'_, E>,
    plan: &Plan<E::Accum>,
    (first, rows): (usize, usize),
    lost: &[bool; MAX_LANES],
    relative: &mut Relative<E::Accum>,
    working: &mut Working<E::Accum>,
) {
    // A class that does not occur may be so far above the others that their scores have lost all digits. One of the
    // logits themselves as the origin, without any arithmetic: a rounding error of the origin would shift every score.
    let lines = plan.occurring_lines();
    for lane in (0..rows).filter(|&lane| lost[lane]) {
        let row = first + lane;
        let logits = lines.iter().map(|&line| scores.logit(row, plan.columns.class(line)));
        let largest = logits.fold(E::Accum::neg_infinity(), Float::max);
        if largest.is_finite() {
            relative.origins[lane] = largest;
        }
        if relative.counting[lane] {
            let mean = scores.mean2(row, relative.origins[lane], &mut working.chunk);
            relative.means[lane] = E::Accum::of(mean + scores.mean_shift2());
        }
    }
    write_scores(scores, plan, (first, rows), &relative.origins, scores.shift2.as_deref(), working);
    let (cells, means) = (&mut working.cells, &relative.means);
    let largest = scores.instructions.run(Largest { plan, cells, means });
    (0..rows).filter(|&lane| lost[lane]).for_each(|lane| relative.offsets[lane] = largest[lane]);
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
        let score = || {
            let cells: &[E::Accum] = working.cells.values();
            let start = share.as_f64() * relative.means[lane].as_f64();
            let entries = plan.entries(candidate, line);
            let score = entries.map(|(line, weight)| weight.as_f64() * cells[2 * line * lanes + lane].as_f64());
            natural(score.fold(start, |sum, term| sum + term))
        };
        let log_multiplicity = natural(plan.pairs[candidate].log2_multiplicity.as_f64()) + plan.log_unit;
        let offset = natural(relative.offsets[lane].as_f64()) + plan.log_unit;
        out.losses[lane] = row_loss(own, others, log_multiplicity, offset, score);
        if let Some((scale, wants)) = out.demand(lane, scores.temperature) {
            wants_temperature = wants;
            // The positive's coefficient P - 1 = -others / (own + others), which keeps its digits where P is near 1.
            let cells: &mut [E::Accum] = working.cells.values_mut();
            for (line, weight) in plan.entries(candidate, line) {
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
