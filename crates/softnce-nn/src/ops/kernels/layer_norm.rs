//! Layer normalisation on slices. Each row is read from memory once and then stays in the nearest cache.

use rayon::prelude::*;
use softnce_kernels::memory::FreshBuffer;
use softnce_kernels::simd::{add_to, sum, sums, vectorised};

/// Rows of a task.
const BLOCK: usize = 64;

/// What the backward pass needs of a row: its mean, and the reciprocal of its standard deviation.
pub(crate) type Moments = (f32, f32);

/// `(input - mean) / sqrt(variance + epsilon) gamma + beta`, row by row, and the moments of each row.
pub(crate) fn forward(input: &[f32], gamma: &[f32], beta: &[f32], epsilon: f64) -> (Vec<f32>, Vec<Moments>) {
    let mut output = FreshBuffer::new(input.len());
    let width = gamma.len().max(1);
    let mut moments = vec![(0.0, 0.0); input.len() / width];
    let blocks = output.par_parts(BLOCK * width).zip(input.par_chunks(BLOCK * width));
    blocks.zip(moments.par_chunks_mut(BLOCK)).for_each(|((output, input), moments)| {
        let output = output.zeroed();
        vectorised(
            #[inline(always)]
            || {
                let rows = output.chunks_exact_mut(width).zip(input.chunks_exact(width)).zip(moments);
                for ((output, input), moments) in rows {
                    let mean = sum(
                        input,
                        #[inline(always)]
                        |x| x,
                    ) / width as f32;
                    let variance = sum(
                        input,
                        #[inline(always)]
                        |x| (x - mean) * (x - mean),
                    ) / width as f32;
                    let scale = (1.0 / (f64::from(variance) + epsilon).sqrt()) as f32;
                    *moments = (mean, scale);
                    for (((output, &x), &gamma), &beta) in output.iter_mut().zip(input).zip(gamma).zip(beta) {
                        *output = ((x - mean) * scale).mul_add(gamma, beta);
                    }
                }
            },
        );
    });
    (output.finish(), moments)
}

/// The gradient with respect to the input, if `by_input`, and those with respect to gamma and beta, one after the other.
///
/// With `g = upstream gamma` and `n` the normalised row: `scale (g - mean(g) - n mean(g n))`.
pub(crate) fn backward(
    input: &[f32],
    gamma: &[f32],
    moments: &[Moments],
    upstream: &[f32],
    by_input: bool,
) -> (Option<Vec<f32>>, Vec<f32>) {
    let width = gamma.len().max(1);
    let blocks = input.par_chunks(BLOCK * width).zip(upstream.par_chunks(BLOCK * width)).zip(moments.par_chunks(BLOCK));
    let work = |((input, upstream), moments), gradient| {
        vectorised(
            #[inline(always)]
            || block(Block { input, gamma, moments, upstream, gradient }),
        )
    };
    let mut gradient = by_input.then(|| FreshBuffer::new(input.len()));
    let parts: Vec<Vec<f32>> = match &mut gradient {
        Some(gradient) => {
            let gradients = gradient.par_parts(BLOCK * width);
            blocks.zip(gradients).map(|(rows, gradient)| work(rows, Some(gradient.zeroed()))).collect()
        }
        None => blocks.map(|rows| work(rows, None)).collect(),
    };
    let mut by_parameters = vec![0.0; 2 * gamma.len()];
    parts.iter().for_each(|part| add_to(&mut by_parameters, part));
    (gradient.map(FreshBuffer::finish), by_parameters)
}

struct Block<'a> {
    input: &'a [f32],
    gamma: &'a [f32],
    moments: &'a [Moments],
    upstream: &'a [f32],
    gradient: Option<&'a mut [f32]>,
}

#[inline(always)]
fn block(block: Block<'_>) -> Vec<f32> {
    let Block { input, gamma, moments, upstream, mut gradient } = block;
    let width = gamma.len().max(1);
    let mut totals = vec![0.0; 2 * gamma.len()];
    let (by_gamma, by_beta) = totals.split_at_mut(gamma.len());
    let (mut scaled, mut normal) = (vec![0.0; width], vec![0.0; width]);
    let rows = input.chunks_exact(width).zip(upstream.chunks_exact(width)).zip(moments);
    for (number, ((input, upstream), &(mean, scale))) in rows.enumerate() {
        for ((normal, scaled), ((&x, &up), &gamma)) in
            normal.iter_mut().zip(&mut scaled).zip(input.iter().zip(upstream).zip(gamma))
        {
            *normal = (x - mean) * scale;
            *scaled = up * gamma;
        }
        for ((by_gamma, by_beta), (&normal, &up)) in
            by_gamma.iter_mut().zip(by_beta.iter_mut()).zip(normal.iter().zip(upstream))
        {
            *by_gamma = up.mul_add(normal, *by_gamma);
            *by_beta += up;
        }
        let Some(gradient) = &mut gradient else { continue };
        let (total, along) = sums(
            &scaled,
            &normal,
            #[inline(always)]
            |g, n| (g, g * n),
        );
        let (level, tilt) = (total / width as f32, along / width as f32);
        let row = &mut gradient[number * width..][..width];
        for ((gradient, &g), &n) in row.iter_mut().zip(&scaled).zip(&normal) {
            *gradient = scale * (-n).mul_add(tilt, g - level);
        }
    }
    totals
}
