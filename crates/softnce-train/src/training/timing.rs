//! What a step costs, and the loss's part of it.

use std::time::Instant;

use burn::tensor::{Device, Tensor, TensorData};
use softnce_burn::{LossBatch, SelectedLoss};

/// Repetitions of the loss alone.
const REPETITIONS: usize = 51;

/// Milliseconds since `start`.
pub(super) fn since(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e3
}

/// Times of the loss's forward and backward pass on logits of its own, in milliseconds.
pub(super) fn loss_alone(
    loss: &SelectedLoss,
    logits: &[f32],
    classes: usize,
    batch: &LossBatch,
    device: &Device,
) -> Result<Vec<f64>, softnce_burn::Error> {
    let shape = [logits.len() / classes.max(1), classes];
    let mut times = Vec::with_capacity(REPETITIONS);
    for _ in 0..REPETITIONS {
        let leaf = Tensor::<2>::from_data(TensorData::new(logits.to_vec(), shape), device).require_grad();
        let batch = batch.clone();
        let start = Instant::now();
        let gradients = loss.forward(leaf.clone(), batch)?.backward();
        std::hint::black_box(leaf.grad(&gradients));
        times.push(since(start));
    }
    Ok(times)
}
