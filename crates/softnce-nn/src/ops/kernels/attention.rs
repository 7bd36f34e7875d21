//! Multi-head self-attention on slices. The heads are read in place in the packed rows.

use ndarray::{ArrayView2, ArrayViewMut2};
use rayon::prelude::*;
use softnce_kernels::memory::FreshBuffer;
use softnce_kernels::product::{Threads, matrix, matrix_mut, scaled_product};
use softnce_kernels::simd::{exp, largest, sum, sums, vectorised};

/// The sizes of packed queries, keys and values.
#[derive(Clone, Copy)]
pub(crate) struct Heads {
    /// Rows of a sequence.
    pub(crate) length: usize,
    /// Number of heads.
    pub(crate) heads: usize,
    /// Width of a head.
    pub(crate) size: usize,
}

/// Number of values of one sequence, at least 1 so that slices can be cut by it.
struct Steps {
    packed: usize,
    output: usize,
    /// Of the probabilities of all heads.
    probabilities: usize,
}

impl Heads {
    fn width(self) -> usize {
        self.heads * self.size
    }

    fn steps(self) -> Steps {
        let output = self.length * self.width();
        let probabilities = self.heads * self.length * self.length;
        Steps { packed: (3 * output).max(1), output: output.max(1), probabilities: probabilities.max(1) }
    }

    fn factor(self) -> f32 {
        1.0 / (self.size as f32).sqrt()
    }

    /// Queries (0), keys (1) or values (2) of a head.
    fn part(self, packed: &[f32], which: usize, head: usize) -> ArrayView2<'_, f32> {
        let first = which * self.width() + head * self.size;
        matrix(&packed[first..], self.length, self.size, 3 * self.width())
    }

    /// As [`Heads::part`], for writing.
    fn part_mut(self, packed: &mut [f32], which: usize, head: usize) -> ArrayViewMut2<'_, f32> {
        let first = which * self.width() + head * self.size;
        matrix_mut(&mut packed[first..], self.length, self.size, 3 * self.width())
    }

    /// A square of one row per query and one column per key.
    fn square(self, values: &[f32]) -> ArrayView2<'_, f32> {
        matrix(values, self.length, self.length, self.length)
    }
}

/// `softmax(Q K^T / sqrt(size)) V`, head by head.
pub(crate) fn forward(heads: Heads, packed: &[f32]) -> Vec<f32> {
    let steps = heads.steps();
    let mut output = FreshBuffer::new(packed.len() / 3);
    output.par_parts(steps.output).zip(packed.par_chunks(steps.packed)).for_each_init(
        || vec![0.0; heads.length * heads.length],
        |scratch, (output, packed)| sequence(heads, packed, output.zeroed(), scratch),
    );
    output.finish()
}

/// As [`forward`]; also returns the probabilities, shape `[N, heads, length, length]`.
pub(crate) fn forward_keeping(heads: Heads, packed: &[f32]) -> (Vec<f32>, Vec<f32>) {
    let steps = heads.steps();
    let mut output = FreshBuffer::new(packed.len() / 3);
    let mut kept = FreshBuffer::new(packed.len() / steps.packed * heads.heads * heads.length * heads.length);
    let sequences = output.par_parts(steps.output).zip(packed.par_chunks(steps.packed));
    sequences
        .zip(kept.par_parts(steps.probabilities))
        .for_each(|((output, packed), kept)| sequence(heads, packed, output.zeroed(), kept.zeroed()));
    (output.finish(), kept.finish())
}

/// One sequence. `room` holds the probabilities of all heads, or of one head at a time.
fn sequence(heads: Heads, packed: &[f32], output: &mut [f32], room: &mut [f32]) {
    let (length, square) = (heads.length, heads.length * heads.length);
    for head in 0..heads.heads {
        let at = if room.len() > square { head * square } else { 0 };
        let scores = &mut room[at..at + square];
        let (queries, keys) = (heads.part(packed, 0, head), heads.part(packed, 1, head));
        let target = matrix_mut(scores, length, length, length);
        scaled_product(target, false, heads.factor(), queries, keys.t(), Threads::Caller);
        vectorised(
            #[inline(always)]
            || {
                for row in scores.chunks_exact_mut(length) {
                    softmax(row);
                }
            },
        );
        let target = matrix_mut(&mut output[head * heads.size..], length, heads.size, heads.width());
        scaled_product(target, false, 1.0, heads.square(scores), heads.part(packed, 2, head), Threads::Caller);
    }
}

#[inline(always)]
fn softmax(row: &mut [f32]) {
    let most = largest(row);
    for value in row.iter_mut() {
        *value = exp(*value - most);
    }
    let factor = 1.0
        / sum(
            row,
            #[inline(always)]
            |value| value,
        );
    for value in row.iter_mut() {
        *value *= factor;
    }
}

/// The gradient with respect to the packed queries, keys and values, from the probabilities `P`:
/// `dV = P^T dO`, `dS = P (dP - rowsum(dP P))` with `dP = dO V^T`, `dQ = dS K`, `dK = dS^T Q`.
pub(crate) fn backward(heads: Heads, packed: &[f32], probabilities: &[f32], upstream: &[f32]) -> Vec<f32> {
    let steps = heads.steps();
    let mut gradient = FreshBuffer::new(packed.len());
    let sequences = gradient.par_parts(steps.packed).zip(packed.par_chunks(steps.packed));
    let sequences = sequences.zip(probabilities.par_chunks(steps.probabilities)).zip(upstream.par_chunks(steps.output));
    sequences.for_each_init(
        || vec![0.0; heads.length * heads.length],
        |scratch, (((gradient, packed), kept), upstream)| {
            let (length, square) = (heads.length, heads.length * heads.length);
            let gradient = gradient.zeroed();
            for head in 0..heads.heads {
                let kept = &kept[head * square..][..square];
                let upstream = matrix(&upstream[head * heads.size..], length, heads.size, heads.width());
                let target = matrix_mut(scratch, length, length, length);
                scaled_product(target, false, 1.0, upstream, heads.part(packed, 2, head).t(), Threads::Caller);
                vectorised(
                    #[inline(always)]
                    || {
                        let rows = scratch.chunks_exact_mut(length).zip(kept.chunks_exact(length));
                        for (by_score, kept) in rows {
                            through_softmax(kept, by_score);
                        }
                    },
                );
                let by_scores = heads.square(scratch);
                let mut into = |which: usize, factor, a, b| {
                    scaled_product(heads.part_mut(gradient, which, head), false, factor, a, b, Threads::Caller);
                };
                into(0, heads.factor(), by_scores, heads.part(packed, 1, head));
                into(1, heads.factor(), by_scores.t(), heads.part(packed, 0, head));
                into(2, 1.0, heads.square(kept).t(), upstream);
            }
        },
    );
    gradient.finish()
}

/// Turns the gradient with respect to a row's probabilities into the gradient with respect to its scores, in place.
#[inline(always)]
fn through_softmax(probabilities: &[f32], gradient: &mut [f32]) {
    let (along, _) = sums(
        probabilities,
        gradient,
        #[inline(always)]
        |p, g| (p * g, 0.0),
    );
    for (gradient, &p) in gradient.iter_mut().zip(probabilities) {
        *gradient = p * (*gradient - along);
    }
}
