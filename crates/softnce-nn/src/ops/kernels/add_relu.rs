//! A sum whose values below 0 become 0, on slices.

use rayon::prelude::*;
use softnce_kernels::memory::FreshBuffer;
use softnce_kernels::simd::vectorised;

use super::CHUNK;

/// `max(a + b, 0)`; NaN stays NaN.
pub(crate) fn forward(a: &[f32], b: &[f32]) -> Vec<f32> {
    let mut output = FreshBuffer::new(a.len());
    let parts = output.par_parts(CHUNK).zip(a.par_chunks(CHUNK)).zip(b.par_chunks(CHUNK));
    parts.for_each(|((output, a), b)| {
        vectorised(
            #[inline(always)]
            || {
                output.fill(a.iter().zip(b).map(
                    #[inline(always)]
                    |(&a, &b)| if a + b < 0.0 { 0.0 } else { a + b },
                ));
            },
        );
    });
    output.finish()
}

/// The gradient with respect to either term: upstream where the output is above 0.
pub(crate) fn backward(output: &[f32], upstream: &[f32]) -> Vec<f32> {
    let mut gradient = FreshBuffer::new(output.len());
    let parts = gradient.par_parts(CHUNK).zip(output.par_chunks(CHUNK)).zip(upstream.par_chunks(CHUNK));
    parts.for_each(|((gradient, output), upstream)| {
        vectorised(
            #[inline(always)]
            || {
                gradient.fill(output.iter().zip(upstream).map(
                    #[inline(always)]
                    |(&y, &up)| if y > 0.0 { up } else { 0.0 },
                ));
            },
        );
    });
    gradient.finish()
}
