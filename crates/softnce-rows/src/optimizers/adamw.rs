//! AdamW (Loshchilov and Hutter, arXiv 1711.05101, Algorithm 2), as PyTorch's. In step t
//!
//! ```text
//! m <- beta1 m + (1 - beta1) g,  v <- beta2 v + (1 - beta2) g^2
//! w <- (1 - rate decay) w - rate / (1 - beta1^t)  m / (sqrt(v) / sqrt(1 - beta2^t) + epsilon)
//! ```
//!
//! The state of a row is m, then v, each as wide as the row.

use softnce_kernels::simd::vectorised;

use super::steps::Steps;

/// Steps of the momentum below this share of its first one are left out: far below the rounding of `f32`.
const NEGLIGIBLE: f64 = 1e-12;

/// Values that are worked on at once, in registers.
const CHUNK: usize = 32;

/// In the i-th step without gradient the moments are `beta1^i m` and `beta2^i v`, so that after k steps
///
/// ```text
/// w' = w decay(1..k) - m sum_i numerator_i / (root_i sqrt(v) + epsilon)
/// numerator_i = rate_i beta1^i / (1 - beta1^(t+i)) decay(i+1..k),  root_i = sqrt(beta2^i / (1 - beta2^(t+i)))
/// ```
pub(super) fn catch_up(
    steps: &Steps,
    (betas, epsilon): ([f64; 2], f64),
    last: u32,
    until: u32,
    weights: &mut [f32],
    state: &mut [f32],
) {
    let (first, second) = state.split_at_mut(weights.len());
    let kept = steps.decay(last, until) as f32;
    if first.iter().all(|&value| value == 0.0) {
        if kept != 1.0 {
            weights.iter_mut().for_each(|weight| *weight *= kept);
        }
        decay_moments(betas, until - last, first, second);
        return;
    }
    let terms = terms(steps, betas, last, until);
    let epsilon = epsilon as f32;
    vectorised(
        #[inline(always)]
        || {
            let rows = weights.chunks_mut(CHUNK).zip(first.chunks(CHUNK).zip(second.chunks(CHUNK)));
            for (weights, (first, second)) in rows {
                let (mut roots, mut sums) = ([0.0_f32; CHUNK], [0.0_f32; CHUNK]);
                roots.iter_mut().zip(second).for_each(|(root, second)| *root = second.sqrt());
                for &(numerator, factor) in &terms {
                    for (sum, root) in sums.iter_mut().zip(&roots) {
                        *sum += numerator / (factor * root + epsilon);
                    }
                }
                for ((weight, first), sum) in weights.iter_mut().zip(first).zip(sums) {
                    *weight = kept * *weight - first * sum;
                }
            }
        },
    );
    decay_moments(betas, until - last, first, second);
}

/// The numerator and the factor of the root, of each step that counts.
fn terms(steps: &Steps, [beta1, beta2]: [f64; 2], last: u32, until: u32) -> Vec<(f32, f32)> {
    // The momentum falls by beta1 a step, the root that divides it by sqrt(beta2).
    let ratio = beta1 / beta2.sqrt();
    let lasting = if ratio < 1.0 { (NEGLIGIBLE.ln() / ratio.ln()).ceil() } else { f64::INFINITY };
    let count = f64::from(until - last).min(lasting.max(1.0)) as u32;
    let [mut power1, mut power2] = [beta1, beta2].map(|beta| beta.powf(f64::from(last)));
    let [mut moment1, mut moment2] = [1.0, 1.0];
    let mut terms: Vec<(f64, f64)> = (last + 1..=last + count)
        .map(|step| {
            (power1, power2) = (power1 * beta1, power2 * beta2);
            (moment1, moment2) = (moment1 * beta1, moment2 * beta2);
            (steps.rate(step) * moment1 / (1.0 - power1), (moment2 / (1.0 - power2)).sqrt())
        })
        .collect();
    // Backwards, so that each term is decayed by the steps after it.
    let mut decay = steps.decay(last + count, until);
    for (at, (numerator, _)) in terms.iter_mut().enumerate().rev() {
        *numerator *= decay;
        decay *= steps.decay_of(last + 1 + at as u32);
    }
    terms.into_iter().map(|(numerator, root)| (numerator as f32, root as f32)).collect()
}

fn decay_moments(betas: [f64; 2], count: u32, first: &mut [f32], second: &mut [f32]) {
    let [factor1, factor2] = betas.map(|beta| beta.powf(f64::from(count)) as f32);
    first.iter_mut().for_each(|value| *value *= factor1);
    second.iter_mut().for_each(|value| *value *= factor2);
}

pub(super) fn update(
    steps: &Steps,
    ([beta1, beta2], epsilon, decay): ([f64; 2], f64, f64),
    weights: &mut [f32],
    state: &mut [f32],
    gradient: &[f32],
) {
    let (rate, count) = (steps.last_rate(), f64::from(steps.count()));
    let [correction1, correction2] = [beta1, beta2].map(|beta| 1.0 - beta.powf(count));
    let (size, root) = ((rate / correction1) as f32, (1.0 / correction2.sqrt()) as f32);
    let (kept, epsilon) = ((1.0 - rate * decay) as f32, epsilon as f32);
    let [new1, new2] = [beta1, beta2].map(|beta| (1.0 - beta) as f32);
    let [old1, old2] = [beta1, beta2].map(|beta| beta as f32);
    let (first, second) = state.split_at_mut(weights.len());
    vectorised(
        #[inline(always)]
        || {
            let moments = first.iter_mut().zip(second);
            for ((weight, (first, second)), &gradient) in weights.iter_mut().zip(moments).zip(gradient) {
                *first = old1 * *first + new1 * gradient;
                *second = old2 * *second + new2 * gradient * gradient;
                *weight = kept * *weight - size * *first / (root * second.sqrt() + epsilon);
            }
        },
    );
}
