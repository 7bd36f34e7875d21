//! The training loss and accuracy of an epoch, without waiting for the device in each step.

use std::time::{Duration, Instant};

use burn::tensor::{Device, Int, Tensor, TensorData};

use super::error::RunError;
use super::state::Position;

/// What one step measured, as tensors of shape `[1]` outside any graph, and what is known without the device.
pub(super) struct Measured {
    pub(super) rows: usize,
    pub(super) learning_rate: f64,
    /// Mean loss of the rows.
    pub(super) loss: Tensor<1>,
    /// Rows whose own class has the largest logit.
    pub(super) correct: Tensor<1>,
    /// Norm of the gradient, where it was not read in the step itself.
    pub(super) gradient_norm: Option<Tensor<1>>,
}

/// Collects the measurements of the steps and reads them from the device in one transfer, at intervals.
///
/// A read waits until the device has finished all steps so far. On a GPU, host and device would then no longer work at
/// the same time, so it is done only for the progress line, before a checkpoint and at the end of an epoch. On the CPU
/// a read costs nothing.
pub(super) struct Meter {
    pending: Vec<Measured>,
    interval: Duration,
    last: Option<Instant>,
    reads: usize,
}

impl Meter {
    /// A meter that reads after the first step, and then at most once per interval.
    pub(super) fn new(interval: Duration) -> Meter {
        Meter { pending: Vec::new(), interval, last: None, reads: 0 }
    }

    pub(super) fn add(&mut self, measured: Measured) {
        self.pending.push(measured);
    }

    /// Reads if the interval is over. Returns the number of steps that were read.
    pub(super) fn read_if_due(&mut self, position: &mut Position) -> Result<usize, RunError> {
        let due = self.last.is_none_or(|last| last.elapsed() >= self.interval);
        if due { self.read(position) } else { Ok(0) }
    }

    /// Adds all steps since the last read to the sums of the epoch. `position.batch` must count all of them. Returns
    /// their number.
    ///
    /// # Errors
    /// [`RunError::Diverged`], with the first step whose loss or gradient is not finite.
    pub(super) fn read(&mut self, position: &mut Position) -> Result<usize, RunError> {
        let pending = std::mem::take(&mut self.pending);
        let Some(first) = position.batch.checked_sub(pending.len()) else {
            return Err(RunError::read("loss", "more steps than batches"));
        };
        if pending.is_empty() {
            return Ok(0);
        }
        let tensors = pending.iter().flat_map(|step| {
            [Some(&step.loss), Some(&step.correct), step.gradient_norm.as_ref()].into_iter().flatten().cloned()
        });
        let values = Tensor::cat(tensors.collect(), 0).try_to_vec_as::<f32>();
        let mut values = values.map_err(|error| RunError::read("loss", error))?.into_iter().map(f64::from);
        let mut next = || values.next().ok_or_else(|| RunError::read("loss", "too few values"));
        for (number, step) in pending.iter().enumerate() {
            let (loss, correct) = (next()?, next()?);
            let norm = if step.gradient_norm.is_some() { Some(next()?) } else { None };
            let found = match norm {
                _ if !loss.is_finite() => Some(format!("the loss is {loss}")),
                Some(norm) if !norm.is_finite() => Some(format!("the norm of the gradient is {norm}")),
                _ => None,
            };
            if let Some(found) = found {
                let (epoch, step, learning_rate) = (position.epoch + 1, first + number + 1, step.learning_rate);
                return Err(RunError::Diverged { epoch, step, learning_rate, found, kept: false });
            }
            let sums = &mut position.sums;
            sums.loss += loss * step.rows as f64;
            sums.rows += step.rows;
            sums.correct += correct as usize;
        }
        self.last = Some(Instant::now());
        self.reads += 1;
        Ok(pending.len())
    }
}

/// Number of rows whose own class has the largest logit. Shapes: `logits` `[N, d]`, `labels` `[N]`, the result `[1]`.
pub(super) fn correct(logits: Tensor<2>, labels: &[usize], device: &Device) -> Tensor<1> {
    let classes: Vec<i64> = labels.iter().map(|&label| label as i64).collect();
    let classes = Tensor::<2, Int>::from_data(TensorData::new(classes, [labels.len(), 1]), device);
    let own = logits.clone().gather(1, classes);
    own.greater_equal(logits.max_dim(1)).float().sum()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn measured(loss: f32, correct: f32, gradient_norm: Option<f32>) -> Measured {
        let tensor = |value: f32| Tensor::<1>::from_data([value], &Device::flex());
        Measured {
            rows: 4,
            learning_rate: 0.25,
            loss: tensor(loss),
            correct: tensor(correct),
            gradient_norm: gradient_norm.map(tensor),
        }
    }

    #[test]
    fn steps_between_two_reads_are_read_in_one_transfer() {
        let (mut meter, mut position) = (Meter::new(Duration::from_secs(3600)), Position::default());
        let mut seen = Vec::new();
        for step in 0..10 {
            meter.add(measured(step as f32, 1.0, (step % 2 == 0).then_some(1.0)));
            position.batch += 1;
            seen.push(meter.read_if_due(&mut position).unwrap());
        }
        // The first step alone; the others wait for the end of the interval or for an explicit read.
        assert_eq!((seen, meter.reads), ([&[1][..], &[0; 9]].concat(), 1));
        assert_eq!((meter.read(&mut position).unwrap(), meter.reads), (9, 2));
        assert_eq!((meter.read(&mut position).unwrap(), meter.reads), (0, 2));
        // 4 * (0 + 1 + .. + 9)
        assert_eq!((position.sums.loss, position.sums.rows, position.sums.correct), (180.0, 40, 10));
    }

    #[test]
    fn sums_do_not_depend_on_the_reads() {
        let sums = |interval| {
            let (mut meter, mut position) = (Meter::new(interval), Position::default());
            for step in 0..50 {
                meter.add(measured(1.0 / (step + 3) as f32, 2.0, None));
                position.batch += 1;
                meter.read_if_due(&mut position).unwrap();
            }
            meter.read(&mut position).unwrap();
            position.sums
        };
        assert_eq!(sums(Duration::ZERO), sums(Duration::from_secs(3600)));
    }

    #[test]
    fn a_loss_that_is_not_finite_is_found_with_its_step_and_rate() {
        for (bad, words) in [
            (measured(f32::NAN, 0.0, None), "the loss is NaN"),
            (measured(1.0, 0.0, Some(f32::INFINITY)), "the norm of the gradient is inf"),
        ] {
            let (mut meter, mut position) =
                (Meter::new(Duration::ZERO), Position { epoch: 2, batch: 7, ..Position::default() });
            meter.add(measured(1.0, 0.0, None));
            meter.add(bad);
            meter.add(measured(f32::NAN, 0.0, None));
            position.batch += 3;
            let error = meter.read(&mut position).unwrap_err();
            assert!(error.is_divergence());
            let message = error.to_string();
            let place = format!("the training diverged in epoch 3, step 9, at learning rate 2.50e-1: {words}. ");
            assert!(message.starts_with(&place), "{message}");
        }
    }

    #[test]
    fn a_tie_with_the_own_class_counts_as_correct() {
        let device = Device::flex();
        let logits =
            Tensor::<2>::from_data([[1.0, 2.0, 0.0], [3.0, 3.0, 1.0], [0.0, 0.0, -1.0], [f32::NAN, 1.0, 0.0]], &device);
        let found = correct(logits, &[1, 1, 2, 0], &device).try_into_scalar::<f32>().unwrap();
        assert_eq!(found, 2.0);
    }
}
