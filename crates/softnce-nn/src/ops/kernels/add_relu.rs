//! A sum with nothing below 0, on slices.

use rayon::prelude::*;

use super::lanes::vectorised;

/// Values a task works on.
const CHUNK: usize = 1 << 13;

/// `output = max(a + b, 0)`; NaN stays.
pub(crate) fn forward(a: &[f32], b: &[f32], output: &mut [f32]) {
    let chunks = output.par_chunks_mut(CHUNK).zip(a.par_chunks(CHUNK)).zip(b.par_chunks(CHUNK));
    chunks.for_each(|((output, a), b)| {
        vectorised(
            #[inline(always)]
            || {
                for ((output, &a), &b) in output.iter_mut().zip(a).zip(b) {
                    let sum = a + b;
                    *output = if sum < 0.0 { 0.0 } else { sum };
                }
            },
        );
    });
}

/// The gradient by either term: upstream where the output is above 0.
pub(crate) fn backward(output: &[f32], upstream: &[f32], gradient: &mut [f32]) {
    let chunks = gradient.par_chunks_mut(CHUNK).zip(output.par_chunks(CHUNK)).zip(upstream.par_chunks(CHUNK));
    chunks.for_each(|((gradient, output), upstream)| {
        vectorised(
            #[inline(always)]
            || {
                for ((gradient, &y), &up) in gradient.iter_mut().zip(output).zip(upstream) {
                    *gradient = if y > 0.0 { up } else { 0.0 };
                }
            },
        );
    });
}
