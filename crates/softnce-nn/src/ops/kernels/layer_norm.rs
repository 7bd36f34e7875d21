//! Layer normalisation on slices: one reading of each row, held in the nearest cache.

use rayon::prelude::*;

use super::lanes::{add_to, sum, sums, vectorised};

/// Rows a task works on.
const BLOCK: usize = 64;

/// What the backward pass needs of a row: its mean, and one over its standard deviation.
pub(crate) type Moments = (f32, f32);

/// `output = (input - mean) / sqrt(variance + epsilon) gamma + beta`, row by row; returns the moments.
pub(crate) fn forward(input: &[f32], gamma: &[f32], beta: &[f32], epsilon: f64, output: &mut [f32]) -> Vec<Moments> {
    let width = gamma.len().max(1);
    let mut moments = vec![(0.0, 0.0); input.len() / width];
    let blocks = output.par_chunks_mut(BLOCK * width).zip(input.par_chunks(BLOCK * width));
    blocks.zip(moments.par_chunks_mut(BLOCK)).for_each(|((output, input), moments)| {
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
    moments
}

/// Writes the gradient by the input, where it is asked for; returns those by gamma and beta, one after the other.
///
/// With `g = upstream gamma` and `n` the normalised row: `scale (g - mean(g) - n mean(g n))`.
pub(crate) fn backward(
    input: &[f32],
    gamma: &[f32],
    moments: &[Moments],
    upstream: &[f32],
    mut gradient: Option<&mut [f32]>,
) -> Vec<f32> {
    let width = gamma.len().max(1);
    let gradients: Vec<Option<&mut [f32]>> = match &mut gradient {
        Some(gradient) => gradient.chunks_mut(BLOCK * width).map(Some).collect(),
        None => (0..moments.len().div_ceil(BLOCK)).map(|_| None).collect(),
    };
    let blocks = gradients.into_par_iter().zip(input.par_chunks(BLOCK * width));
    let blocks = blocks.zip(upstream.par_chunks(BLOCK * width)).zip(moments.par_chunks(BLOCK));
    let parts: Vec<Vec<f32>> = blocks
        .map(|(((gradient, input), upstream), moments)| {
            vectorised(
                #[inline(always)]
                || block(Block { input, gamma, moments, upstream, gradient }),
            )
        })
        .collect();
    let mut total = vec![0.0; 2 * gamma.len()];
    parts.iter().for_each(|part| add_to(&mut total, part));
    total
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
