//! The gradients of a block of rows, from the sums in its cells.

use pulp::{Simd, WithSimd};
use softnce_kernels::simd::{Block, Cells, Instructions, MapOut};

use super::accumulate::{ByLane, MAX_LANES};
use super::cells::{CHUNK, Relative, Working, lanes, write_scores};
use super::plan::Plan;
use crate::paths::outputs::Outputs;
use crate::paths::scores::Scores;
use crate::paths::terms::natural;
use crate::{Accum, Element};

/// Writes the sums in the cells to the block's rows of gradients, for all columns.
pub(super) fn write_cells<A: Accum, G: Element<Accum = A>>(
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
pub(super) fn write_listed<A: Accum, G: Element<Accum = A>>(
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
pub(super) fn temperature_gradients<E: Element, G: Element<Accum = E::Accum>>(
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
