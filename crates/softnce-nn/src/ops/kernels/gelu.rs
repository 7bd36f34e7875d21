//! The GELU on slices.

use rayon::prelude::*;

use super::lanes::{gelu, gelu_slope, vectorised};

/// Values a task works on: small enough for the nearest caches, large enough to be worth a task.
const CHUNK: usize = 1 << 13;

/// `output = gelu(input)`
pub(crate) fn forward(input: &[f32], output: &mut [f32]) {
    let chunks = output.par_chunks_mut(CHUNK).zip(input.par_chunks(CHUNK));
    chunks.for_each(|(output, input)| apply(input, output));
}

/// [`forward`] on the calling thread.
fn apply(input: &[f32], output: &mut [f32]) {
    vectorised(
        #[inline(always)]
        || {
            for (output, &x) in output.iter_mut().zip(input) {
                *output = gelu(x);
            }
        },
    );
}

/// `gradient = upstream gelu'(input)`
pub(crate) fn backward(input: &[f32], upstream: &[f32], gradient: &mut [f32]) {
    let chunks = gradient.par_chunks_mut(CHUNK).zip(input.par_chunks(CHUNK)).zip(upstream.par_chunks(CHUNK));
    chunks.for_each(|((gradient, input), upstream)| {
        vectorised(
            #[inline(always)]
            || {
                for ((gradient, &x), &upstream) in gradient.iter_mut().zip(input).zip(upstream) {
                    *gradient = upstream * gelu_slope(x);
                }
            },
        );
    });
}
