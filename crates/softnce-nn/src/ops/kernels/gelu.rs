//! The GELU on slices.

use rayon::prelude::*;
use softnce_kernels::memory::FreshBuffer;
use softnce_kernels::simd::vectorised;

use super::CHUNK;
use super::each::each_pair;
use super::normal::{gelu, gelu_slope};

/// `gelu(input)`
pub(crate) fn forward(input: &[f32]) -> Vec<f32> {
    let mut output = FreshBuffer::new(input.len());
    output.par_parts(CHUNK).zip(input.par_chunks(CHUNK)).for_each(|(output, input)| {
        vectorised(
            #[inline(always)]
            || {
                output.fill(input.iter().map(
                    #[inline(always)]
                    |&x| gelu(x),
                ));
            },
        );
    });
    output.finish()
}

/// The gradient with respect to the input, `upstream gelu'(input)`.
pub(crate) fn backward(input: &[f32], upstream: &[f32]) -> Vec<f32> {
    each_pair(
        input,
        upstream,
        #[inline(always)]
        |x, upstream| upstream * gelu_slope(x),
    )
}
