//! Adagrad with one sum for each row:
//!
//! ```text
//! s <- s + mean(g^2),  w <- (1 - rate decay) w - rate g / (sqrt(s) + epsilon)
//! ```

use softnce_kernels::simd::vectorised;

use super::steps::Steps;

pub(super) fn catch_up(steps: &Steps, last: u32, until: u32, weights: &mut [f32]) {
    let decay = steps.decay(last, until) as f32;
    if decay != 1.0 {
        weights.iter_mut().for_each(|weight| *weight *= decay);
    }
}

/// `state`: the sum s. Shape `[1]`.
pub(super) fn update(
    rate: f64,
    (epsilon, decay): (f64, f64),
    weights: &mut [f32],
    state: &mut [f32],
    gradient: &[f32],
) {
    let squares: f64 = gradient.iter().map(|&gradient| f64::from(gradient) * f64::from(gradient)).sum();
    let sum = f64::from(state[0]) + squares / gradient.len().max(1) as f64;
    state[0] = sum as f32;
    let (kept, factor) = ((1.0 - rate * decay) as f32, (rate / (sum.sqrt() + epsilon)) as f32);
    vectorised(
        #[inline(always)]
        || {
            for (weight, &gradient) in weights.iter_mut().zip(gradient) {
                *weight = kept * *weight - factor * gradient;
            }
        },
    );
}
