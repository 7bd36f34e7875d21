//! Stochastic gradient descent with momentum, as PyTorch's:
//!
//! ```text
//! g <- g + decay w,  b <- momentum b + g,  w <- w - rate b        (Nesterov: w <- w - rate (g + momentum b))
//! ```

use softnce_kernels::simd::vectorised;

use super::steps::Steps;

/// `state`: the momentum b; empty where there is none.
pub(super) fn catch_up(steps: &Steps, last: u32, until: u32, weights: &mut [f32], state: &mut [f32]) {
    let Some(map) = steps.map(last, until) else { return };
    let [a, b, c, d] = map.map(|factor| factor as f32);
    if state.is_empty() {
        weights.iter_mut().for_each(|weight| *weight *= a);
        return;
    }
    vectorised(
        #[inline(always)]
        || {
            for (weight, buffer) in weights.iter_mut().zip(state) {
                (*weight, *buffer) = (a * *weight + b * *buffer, c * *weight + d * *buffer);
            }
        },
    );
}

pub(super) fn update(
    rate: f64,
    (momentum, nesterov, decay): (f64, bool, f64),
    weights: &mut [f32],
    state: &mut [f32],
    gradient: &[f32],
) {
    let [rate, momentum, decay] = [rate, momentum, decay].map(|value| value as f32);
    if state.is_empty() {
        for (weight, &gradient) in weights.iter_mut().zip(gradient) {
            *weight -= rate * (gradient + decay * *weight);
        }
        return;
    }
    let (by_gradient, by_buffer) = if nesterov { (1.0, momentum) } else { (0.0, 1.0) };
    vectorised(
        #[inline(always)]
        || {
            for ((weight, buffer), &gradient) in weights.iter_mut().zip(state).zip(gradient) {
                let gradient = gradient + decay * *weight;
                *buffer = momentum * *buffer + gradient;
                *weight -= rate * (by_gradient * gradient + by_buffer * *buffer);
            }
        },
    );
}
