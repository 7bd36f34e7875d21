//! The exact scan over all classes.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use ndarray::ArrayView2;
use softnce_kernels::parallel::{WAKING, for_each, threads_for};

use super::block::{Block, Blocks, Scoring};
use super::given::{Pair, Pairs};
use super::log_sum::LogSum;
use super::queries::{not_finite, prepared};
use super::top::{Best, Top};
use crate::{RowBlocks, RowsError};

/// Scores of queries with all rows of a matrix, one class a row: `(query . row + bias) / temperature`.
///
/// One pass over the rows gives all that was asked for. The scores themselves are never stored: beyond its input and
/// its result, a scan takes less than 2 MiB a thread (more for rows wider than 8,192), a copy of the queries, and up to 16 MiB for the log-sum-exp. The
/// result has the same bits on any number of threads.
///
/// ```
/// use ndarray::array;
/// use softnce_rows::search::Scan;
///
/// let rows = array![[1.0_f32, 0.0], [0.0, 1.0], [2.0, 1.0]];
/// let queries = array![[1.0_f32, 0.5]];
/// let found = Scan::new(queries.view()).with_top(2).with_log_sum().run(&rows.view())?;
/// let top = found.top.unwrap();
/// assert_eq!(top.classes, array![[2, 0]]);
/// assert_eq!(top.scores, array![[2.5, 1.0]]);
/// assert_eq!(found.log_sum.unwrap().len(), 1);
/// # Ok::<(), softnce_rows::RowsError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Scan<'q> {
    queries: ArrayView2<'q, f32>,
    temperature: f32,
    bias: Option<&'q [f32]>,
    cosine: bool,
    top: Option<usize>,
    log_sum: bool,
    pairs: Option<&'q [(usize, u32)]>,
}

/// What a [`Scan`] found: that which was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct ScanResult {
    /// The classes with the largest scores. Shapes: `[queries, k]`.
    pub top: Option<Top>,
    /// `log sum_c exp(score_c)` over all classes, in nats. Length: queries.
    pub log_sum: Option<Vec<f64>>,
    /// The score of each pair that was given, in the order given.
    pub pair_scores: Option<Vec<f32>>,
}

impl<'q> Scan<'q> {
    /// A scan for these queries, without bias, at temperature 1, that asks for nothing yet.
    ///
    /// # Shapes
    /// `queries`: `[queries, width]`.
    pub fn new(queries: ArrayView2<'q, f32>) -> Self {
        Scan { queries, temperature: 1.0, bias: None, cosine: false, top: None, log_sum: false, pairs: None }
    }

    /// Divides the scores by this temperature.
    pub fn with_temperature(self, temperature: f32) -> Self {
        Scan { temperature, ..self }
    }

    /// Adds a bias to each class, before the division by the temperature. Length: rows of the matrix.
    pub fn with_bias(self, bias: &'q [f32]) -> Self {
        Scan { bias: Some(bias), ..self }
    }

    /// Divides queries and rows by their Euclidean norms. Zeros stay zeros.
    pub fn with_cosine(self) -> Self {
        Scan { cosine: true, ..self }
    }

    /// Asks for the `k` largest scores of each query.
    pub fn with_top(self, k: usize) -> Self {
        Scan { top: Some(k), ..self }
    }

    /// Asks for the log-sum-exp over all classes. With it, the log-likelihood of a class is its score less the
    /// log-sum-exp.
    pub fn with_log_sum(self) -> Self {
        Scan { log_sum: true, ..self }
    }

    /// Asks for the scores of these pairs of a query and a class, in any order.
    pub fn with_scores_of(self, pairs: &'q [(usize, u32)]) -> Self {
        Scan { pairs: Some(pairs), ..self }
    }

    /// Reads all rows once, and returns what was asked for.
    ///
    /// # Errors
    /// A matrix without rows, with more rows than `u32` can number, or of another width than the queries; a bias of
    /// another length; values that are not finite; a temperature that is not a finite number > 0; a `k` of 0 or above
    /// the number of rows; pairs that do not exist; scores beyond the range of `f32`; rows that cannot be read.
    pub fn run(&self, rows: &(impl RowBlocks + ?Sized)) -> Result<ScanResult, RowsError> {
        let (queries, classes, width) = (self.queries.nrows(), rows.rows(), rows.width());
        self.check(classes, width)?;
        let prepared = prepared(self.queries, self.temperature, self.cosine)?;
        let scoring =
            Scoring { queries: prepared.view(), bias: self.bias, temperature: self.temperature, cosine: self.cosine };
        let blocks = Blocks::new(classes, width);
        let pairs = Pairs::new(self.pairs.unwrap_or_default(), queries, classes, blocks.rows)?;
        let best: Option<Vec<Mutex<Best>>> = self.top.map(|k| (0..queries).map(|_| Mutex::new(Best::new(k))).collect());
        let mut log_sums = self.log_sum.then(|| vec![LogSum::EMPTY; queries]);
        let mut pair_scores = vec![0.0; pairs.len()];

        let mut unwritten = &mut pair_scores[..];
        let panel = panel(queries);
        // The log-sum-exps of the blocks of a panel. Shape: [panel, queries].
        let mut of_blocks = vec![LogSum::EMPTY; if self.log_sum { panel.min(blocks.count()) * queries } else { 0 }];
        for first in (0..blocks.count()).step_by(panel) {
            let numbers = first..blocks.count().min(first + panel);
            let work = (numbers.len() * blocks.rows).saturating_mul(width).saturating_mul(queries) / 8;
            let threads = threads_for(work, WAKING, numbers.len());
            let mut log_sums_left = &mut of_blocks[..];
            let parts = numbers.clone().map(|number| {
                let classes = blocks.classes(number);
                let of_block = pairs.of_block(&classes);
                Part {
                    pair_scores: split_off(&mut unwritten, of_block.len()),
                    pairs: of_block,
                    log_sums: split_off(&mut log_sums_left, if self.log_sum { queries } else { 0 }),
                    classes,
                }
            });
            let parts: Vec<Part<'_>> = parts.collect();
            for_each(
                threads,
                parts.into_iter(),
                || Block::new(blocks, queries, width),
                |block, part| part.work(block, rows, &scoring, best.as_deref()),
            )?;
            if let Some(log_sums) = &mut log_sums {
                for of_block in of_blocks.chunks_exact(queries.max(1)).take(numbers.len()) {
                    log_sums.iter_mut().zip(of_block).for_each(|(sum, part)| sum.add(*part));
                }
            }
        }

        let lists = |best: Vec<Mutex<Best>>| best.into_iter().map(|best| unlocked(best.into_inner()).into_sorted());
        Ok(ScanResult {
            top: self.top.zip(best).map(|(k, best)| Top::from_lists(k, lists(best))),
            log_sum: log_sums.map(|sums| sums.iter().map(LogSum::value).collect()),
            pair_scores: self.pairs.map(|_| pairs.in_order(&pair_scores)),
        })
    }

    fn check(&self, classes: usize, width: usize) -> Result<(), RowsError> {
        if classes == 0 || u32::try_from(classes - 1).is_err() {
            return Err(RowsError::argument("rows", format!("{classes} rows"), "1 to 2^32 rows"));
        }
        if self.queries.ncols() != width {
            let expected = format!("[queries, {width}], the width of the rows");
            return Err(RowsError::argument("queries", format!("{:?}", self.queries.dim()), expected));
        }
        if u32::try_from(self.queries.nrows()).is_err() {
            return Err(RowsError::argument("queries", format!("{} rows", self.queries.nrows()), "fewer than 2^32"));
        }
        if !(self.temperature.is_finite() && self.temperature > 0.0) {
            return Err(RowsError::argument("temperature", self.temperature, "a finite number > 0"));
        }
        if let Some(bias) = self.bias {
            if bias.len() != classes {
                let found = format!("of length {}", bias.len());
                return Err(RowsError::argument("bias", found, format!("length {classes}, one entry per row")));
            }
            if let Some(class) = not_finite(bias) {
                let found = format!("{} for class {class}", bias[class]);
                return Err(RowsError::argument("bias", found, "finite numbers"));
            }
        }
        match self.top {
            Some(k) if k == 0 || k > classes => {
                Err(RowsError::argument("k", k, format!("1 to {classes}, the number of rows")))
            }
            _ => Ok(()),
        }
    }
}

/// Blocks between two additions to the log-sum-exps, which keep the order of the blocks: up to 64, but no more than
/// 16 MiB hold the log-sum-exps of.
fn panel(queries: usize) -> usize {
    ((1 << 20) / queries.max(1)).clamp(1, 64)
}

/// The first `count` entries, of which `left` loses sight.
fn split_off<'s, T>(left: &mut &'s mut [T], count: usize) -> &'s mut [T] {
    let (first, rest) = std::mem::take(left).split_at_mut(count);
    *left = rest;
    first
}

/// The value behind a lock. A thread that panicked cannot have left it half changed: the panic reaches the caller.
fn unlocked<T>(result: Result<T, PoisonError<T>>) -> T {
    result.unwrap_or_else(PoisonError::into_inner)
}

/// A block of classes with the places of its results.
struct Part<'p> {
    classes: Range<usize>,
    /// Shape: `[queries]`, or empty if not asked for.
    log_sums: &'p mut [LogSum],
    pairs: &'p [Pair],
    /// Shape: `[pairs]`.
    pair_scores: &'p mut [f32],
}

impl Part<'_> {
    fn work(
        self,
        block: &mut Block,
        rows: &(impl RowBlocks + ?Sized),
        scoring: &Scoring<'_>,
        best: Option<&[Mutex<Best>]>,
    ) -> Result<(), RowsError> {
        let first = self.classes.start;
        let mut pairs = self.pairs.iter().zip(self.pair_scores).peekable();
        block.score(rows, self.classes, scoring, |scores| {
            if let Some(sum) = self.log_sums.get_mut(scores.query) {
                *sum = LogSum::of(scores.values, scores.largest);
            }
            if let Some(best) = best {
                unlocked(best[scores.query].lock()).add(first as u32, scores.values, scores.largest);
            }
            while let Some((pair, out)) = pairs.next_if(|(pair, _)| pair.query as usize == scores.query) {
                *out = scores.values[pair.class as usize - first];
            }
        })
    }
}
