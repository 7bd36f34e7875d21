//! The scores of a block of classes.

use std::ops::Range;

use ndarray::{ArrayView2, s};
use softnce_kernels::product::{Threads, matrix, matrix_mut, scaled_product};
use softnce_kernels::simd::{largest, vectorised};

use super::queries::{finite, normalise, not_finite};
use crate::{RowBlocks, RowsError};

/// How a matrix of classes is cut into blocks, and the queries into groups. It depends on the shapes alone, so that sums
/// have the same bits with any number of threads.
#[derive(Debug, Clone, Copy)]
pub(super) struct Blocks {
    classes: usize,
    /// Classes of a block; the last one may have fewer.
    pub rows: usize,
    /// Queries whose scores with a block are in memory together.
    queries: usize,
}

impl Blocks {
    pub(super) fn new(classes: usize, width: usize) -> Self {
        /// Values of the rows of a block: 512 KiB, so that they stay in a core's own cache beside their scores.
        const ROW_VALUES: usize = 1 << 17;
        /// Scores in memory together: 512 KiB.
        const SCORES: usize = 1 << 17;
        /// Few classes too are divided into as many blocks, so that threads can share them.
        const FEWEST_BLOCKS: usize = 16;
        let fitting = (ROW_VALUES / width.max(1)).clamp(16, 4096);
        let rows = fitting.min(classes.div_ceil(FEWEST_BLOCKS).max(64));
        Blocks { classes, rows, queries: SCORES / rows }
    }

    pub(super) fn count(&self) -> usize {
        self.classes.div_ceil(self.rows)
    }

    /// The classes of a block.
    pub(super) fn classes(&self, block: usize) -> Range<usize> {
        block * self.rows..self.classes.min((block + 1) * self.rows)
    }
}

/// What the score of a query and a class is: `(query . row + bias) / temperature`, with queries divided by the
/// temperature already.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scoring<'s> {
    /// Shape: `[queries, width]`.
    pub queries: ArrayView2<'s, f32>,
    /// Shape: `[classes]`.
    pub bias: Option<&'s [f32]>,
    pub temperature: f32,
    pub cosine: bool,
}

/// Working memory of a thread.
#[derive(Debug)]
pub(super) struct Block {
    blocks: Blocks,
    rows: Vec<f32>,
    bias: Vec<f32>,
    scores: Vec<f32>,
}

/// The scores of a query with the classes of a block.
pub(super) struct Scores<'b> {
    pub query: usize,
    pub values: &'b [f32],
    /// The largest of them.
    pub largest: f32,
}

impl Block {
    pub(super) fn new(blocks: Blocks, queries: usize, width: usize) -> Self {
        let scores = vec![0.0; blocks.queries.min(queries) * blocks.rows];
        Block { blocks, rows: vec![0.0; blocks.rows * width], bias: Vec::new(), scores }
    }

    /// Reads the rows of these classes and calls `each` for every query in turn.
    ///
    /// # Errors
    /// Rows that cannot be read or are not finite; scores beyond the range of `f32`.
    pub(super) fn score(
        &mut self,
        rows: &(impl RowBlocks + ?Sized),
        classes: Range<usize>,
        scoring: &Scoring<'_>,
        mut each: impl FnMut(Scores<'_>),
    ) -> Result<(), RowsError> {
        let (width, count) = (rows.width(), classes.len());
        let values = &mut self.rows[..count * width];
        rows.read(classes.clone(), values)?;
        finite("rows", classes.start, width, values)?;
        if scoring.cosine {
            values.chunks_mut(width.max(1)).for_each(|row| normalise(row, 1.0));
        }
        self.bias.clear();
        let bias = scoring.bias.map_or(&[][..], |bias| &bias[classes.clone()]);
        self.bias.extend(bias.iter().map(|bias| bias / scoring.temperature));
        let rows = matrix(values, count, width, width).reversed_axes();

        let queries = scoring.queries.nrows();
        for first in (0..queries).step_by(self.blocks.queries) {
            let group = first..queries.min(first + self.blocks.queries);
            let scores = &mut self.scores[..group.len() * count];
            let add = !self.bias.is_empty();
            if add {
                scores.chunks_exact_mut(count).for_each(|scores| scores.copy_from_slice(&self.bias));
            }
            let out = matrix_mut(scores, group.len(), count, count);
            scaled_product(out, add, 1.0, scoring.queries.slice(s![group.clone(), ..]), rows, Threads::Caller);
            for (query, values) in group.zip(scores.chunks_exact(count)) {
                if let Some(at) = not_finite(values) {
                    return Err(RowsError::Score { query, class: classes.start + at, score: values[at] });
                }
                each(Scores { query, values, largest: vectorised(|| largest(values)) });
            }
        }
        Ok(())
    }
}
