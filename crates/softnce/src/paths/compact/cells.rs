//! The working memory of a block of rows, and the scores in its cells.

use std::marker::PhantomData;

use num_traits::Zero;
use pulp::{Simd, WithSimd};
use softnce_kernels::simd::{Block, Cells, Instructions, MapIn};

use super::accumulate::{ByLane, MAX_LANES};
use super::plan::{Columns, Plan};
use crate::paths::scores::{Scores, zeroed};
use crate::{Accum, Element};

/// Columns that are converted at a time, if logits or gradients are of another type than the sums or not contiguous.
pub(super) const CHUNK: usize = 256;

/// Working memory of a thread.
pub(super) struct Working<A> {
    pub(super) cells: Cells,
    /// A chunk of columns of every row. Shape `[lanes, CHUNK]`.
    pub(super) chunk: Vec<A>,
}

impl<A: Accum> Working<A> {
    pub(super) fn new(plan: &Plan<A>, lanes: usize) -> Self {
        // One more for the empty line.
        Working { cells: Cells::new::<A>(plan.columns.len() + 1, lanes), chunk: zeroed(lanes * CHUNK) }
    }
}

/// What the scores and sums of a block are relative to, per lane.
pub(super) struct Relative<A> {
    /// The sums are divided by `2^offset`.
    pub(super) offsets: ByLane<A>,
    /// Means of the scores; 0 in lanes where the uniform shares do not count.
    pub(super) means: ByLane<A>,
    /// Whether the uniform shares count: whether they differ so much that the result changes by more than rounding.
    pub(super) counting: [bool; MAX_LANES],
    /// The logits whose score, without the shift, is 0.
    pub(super) origins: ByLane<A>,
}

/// Fills the cells with the scores of a block's rows, given by the first one and their number.
pub(super) fn write_scores<E: Element>(
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
pub(super) fn fill_cells<E: Element>(
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
pub(super) fn list_scores<E: Element>(
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

/// The number of lanes that a vector of the type has in an instruction set.
pub(super) fn lanes<A: Accum>(instructions: Instructions) -> usize {
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
