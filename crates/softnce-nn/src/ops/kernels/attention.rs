//! Multi-head self-attention on slices: the heads are read where they lie in the packed rows.

use rayon::prelude::*;

use super::lanes::{exp, largest, sum, sums, vectorised};
use super::product::{Matrix, Target, Workers, multiply};

/// The sizes of packed queries, keys and values.
#[derive(Clone, Copy)]
pub(crate) struct Heads {
    /// Rows of a sequence.
    pub(crate) length: usize,
    pub(crate) heads: usize,
    /// Width of a head.
    pub(crate) size: usize,
}

impl Heads {
    fn width(self) -> usize {
        self.heads * self.size
    }

    /// Values of one sequence: packed, of the result, and of the probabilities of all its heads.
    fn steps(self) -> (usize, usize, usize) {
        let result = self.length * self.width();
        ((3 * result).max(1), result.max(1), (self.heads * self.length * self.length).max(1))
    }

    fn factor(self) -> f32 {
        1.0 / (self.size as f32).sqrt()
    }

    /// Queries (0), keys (1) or values (2) of a head.
    fn part(self, packed: &[f32], which: usize, head: usize) -> Matrix<'_> {
        let stride = 3 * self.width();
        Matrix::new(&packed[which * self.width() + head * self.size..], self.length, self.size, stride)
    }

    fn result(self, values: &[f32], head: usize) -> Matrix<'_> {
        Matrix::new(&values[head * self.size..], self.length, self.size, self.width())
    }
}

/// `output = softmax(Q K^T / sqrt(size)) V`, head by head; the probabilities are kept where there is room for them.
pub(crate) fn forward(heads: Heads, packed: &[f32], output: &mut [f32], probabilities: Option<&mut [f32]>) {
    let (packed_step, output_step, kept_step) = heads.steps();
    let sequences = output.par_chunks_mut(output_step).zip(packed.par_chunks(packed_step));
    match probabilities {
        Some(kept) => sequences
            .zip(kept.par_chunks_mut(kept_step))
            .for_each(|((output, packed), kept)| sequence(heads, packed, output, kept)),
        None => sequences.for_each_init(
            || vec![0.0; heads.length * heads.length],
            |scratch, (output, packed)| sequence(heads, packed, output, scratch),
        ),
    }
}

/// One sequence; `room` holds the probabilities of all heads, or of one at a time.
fn sequence(heads: Heads, packed: &[f32], output: &mut [f32], room: &mut [f32]) {
    let (length, square) = (heads.length, heads.length * heads.length);
    for head in 0..heads.heads {
        let at = if room.len() > square { head * square } else { 0 };
        let scores = &mut room[at..at + square];
        let (queries, keys) = (heads.part(packed, 0, head), heads.part(packed, 1, head).transposed());
        multiply(Target::new(scores, length), heads.factor(), queries, keys, Workers::One);
        vectorised(
            #[inline(always)]
            || {
                for row in scores.chunks_exact_mut(length) {
                    softmax(row);
                }
            },
        );
        let probabilities = Matrix::new(scores, length, length, length);
        let target = Target::new(&mut output[head * heads.size..], heads.width());
        multiply(target, 1.0, probabilities, heads.part(packed, 2, head), Workers::One);
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

/// The gradient by the packed queries, keys and values, from the kept probabilities `P`:
/// `dV = P^T dO`, `dS = P (dP - rowsum(dP P))` with `dP = dO V^T`, `dQ = dS K`, `dK = dS^T Q`.
pub(crate) fn backward(heads: Heads, packed: &[f32], probabilities: &[f32], upstream: &[f32], gradient: &mut [f32]) {
    let (packed_step, output_step, kept_step) = heads.steps();
    let sequences = gradient.par_chunks_mut(packed_step).zip(packed.par_chunks(packed_step));
    let sequences = sequences.zip(probabilities.par_chunks(kept_step)).zip(upstream.par_chunks(output_step));
    sequences.for_each_init(
        || vec![0.0; heads.length * heads.length],
        |scratch, (((gradient, packed), kept), upstream)| {
            let (length, square) = (heads.length, heads.length * heads.length);
            for head in 0..heads.heads {
                let kept = &kept[head * square..][..square];
                let upstream = heads.result(upstream, head);
                let values = heads.part(packed, 2, head).transposed();
                multiply(Target::new(scratch, length), 1.0, upstream, values, Workers::One);
                vectorised(
                    #[inline(always)]
                    || {
                        let rows = scratch.chunks_exact_mut(length).zip(kept.chunks_exact(length));
                        for (by_score, kept) in rows {
                            through_softmax(kept, by_score);
                        }
                    },
                );
                let by_scores = Matrix::new(scratch, length, length, length);
                let mut into = |which: usize, factor, a, b| {
                    let stride = 3 * heads.width();
                    let target = Target::new(&mut gradient[which * heads.width() + head * heads.size..], stride);
                    multiply(target, factor, a, b, Workers::One);
                };
                into(0, heads.factor(), by_scores, heads.part(packed, 1, head));
                into(1, heads.factor(), by_scores.transposed(), heads.part(packed, 0, head));
                into(2, 1.0, Matrix::new(kept, length, length, length).transposed(), upstream);
            }
        },
    );
}

/// The gradient by the scores of a row, in place of that by the probabilities.
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
