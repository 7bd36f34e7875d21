//! The time of a step, and that of the loss alone.

use std::time::Instant;

use burn::tensor::{Device, Tensor, TensorData};
use serde::{Deserialize, Serialize};
use softnce_burn::{ClassDraws, LossBatch, LossModule};
use softnce_metrics::median;

use super::error::RunError;

/// Steps whose times are kept.
const KEPT: usize = 4096;
/// Repetitions of the loss alone.
const REPETITIONS: usize = 51;

/// Wall times of a run, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Times {
    /// Median of a batch's step once the batch is there: forward, loss, backward, optimiser.
    pub step_ms: f64,
    /// Median of the loss alone, forward and backward, on the logits of a batch; none if no batch was seen.
    pub loss_ms: Option<f64>,
}

/// Measures steps.
#[derive(Debug, Default)]
pub(super) struct Clock {
    steps: Vec<f64>,
    /// Seconds since the last call of [`Clock::done`].
    busy: f64,
    batch: Option<(Tensor<2>, LossBatch)>,
}

impl Clock {
    /// Adds a step: its seconds, its logits (outside any graph) and its candidates. The seconds count once the device
    /// has finished the step.
    pub(super) fn add(&mut self, seconds: f64, logits: Tensor<2>, candidates: LossBatch) {
        self.busy += seconds;
        // The last full batch: its logits are those of the trained network.
        if self.batch.as_ref().is_none_or(|(kept, _)| logits.dims()[0] >= kept.dims()[0]) {
            self.batch = Some((logits, candidates));
        }
    }

    /// The device has finished all steps so far, `steps` of them since the last call, which share the time.
    pub(super) fn done(&mut self, steps: usize) {
        if steps > 0 {
            let each = std::mem::take(&mut self.busy) * 1e3 / steps as f64;
            self.steps.extend(std::iter::repeat_n(each, steps));
            let surplus = self.steps.len().saturating_sub(KEPT);
            self.steps.drain(..surplus);
        }
    }

    pub(super) fn has_stepped(&self) -> bool {
        !self.steps.is_empty()
    }

    pub(super) fn times(&self, loss: &LossModule, device: &Device) -> Result<Times, RunError> {
        let not_finite = |error: softnce_metrics::StatsError| RunError::Report { reason: error.to_string() };
        let step_ms = if self.steps.is_empty() { 0.0 } else { median(&self.steps).map_err(not_finite)? };
        let Some((logits, batch)) = &self.batch else { return Ok(Times { step_ms, loss_ms: None }) };
        let device = device.clone().autodiff();
        let (shape, logits) = (logits.dims(), logits.try_to_vec_as::<f32>());
        let logits = logits.map_err(|error| RunError::read("logits", error))?;
        let mut times = Vec::with_capacity(REPETITIONS);
        for repetition in 0..REPETITIONS {
            let data = TensorData::new(logits.clone(), shape);
            let leaf = Tensor::<2>::from_data(data, &device).require_grad();
            let mut batch = batch.clone();
            let start = Instant::now();
            if loss.kind().draws_classes() {
                batch = batch.draw(shape[1], &mut ClassDraws::new(0).at(repetition as u64))?;
            }
            let gradients = loss.forward(leaf.clone(), batch)?.backward();
            std::hint::black_box(leaf.grad(&gradients));
            times.push(start.elapsed().as_secs_f64() * 1e3);
        }
        Ok(Times { step_ms, loss_ms: Some(median(&times).map_err(not_finite)?) })
    }
}
