//! A function of each pair of values, on all threads.

use rayon::prelude::*;
use softnce_kernels::memory::FreshBuffer;
use softnce_kernels::simd::vectorised;

use super::CHUNK;

/// `f` of the values of both slices, place by place; it must be inlined to be vectorised.
pub(super) fn each_pair(a: &[f32], b: &[f32], f: impl Fn(f32, f32) -> f32 + Copy + Sync) -> Vec<f32> {
    let mut output = FreshBuffer::new(a.len());
    let parts = output.par_parts(CHUNK).zip(a.par_chunks(CHUNK)).zip(b.par_chunks(CHUNK));
    parts.for_each(|((output, a), b)| {
        vectorised(
            #[inline(always)]
            || {
                output.fill(a.iter().zip(b).map(
                    #[inline(always)]
                    |(&a, &b)| f(a, b),
                ));
            },
        );
    });
    output.finish()
}
