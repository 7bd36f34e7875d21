//! One batch, and one optimiser step after each group of batches.

use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::tensor::{Device, Tensor, TensorData};
use softnce_burn::{ClassDraws, LossBatch, LossModule};
use softnce_data::loader::LoadedBatch;
use softnce_nn::models::Network;

use super::adjustment::adjusted;
use super::error::RunError;
use super::meter::{Measured, correct};
use super::plan::Plan;
use super::state::TrainState;
use crate::device::is_cpu;
use crate::optimisation::{clip_global_norm, clip_global_norm_unread};
use crate::randomness::{Stream, seed};
use crate::recipe::Recipe;

/// Learning rate of the learned temperature's logarithm after the warm-up, whatever the network's: it follows the same
/// schedule.
const TEMPERATURE_RATE: f64 = 1e-3;

/// Gradients of the batches since the last optimiser step.
#[derive(Default)]
pub(super) struct Accumulated {
    network: GradientsAccumulator<Network>,
    loss: GradientsAccumulator<LossModule>,
}

/// What no step changes.
#[derive(Clone, Copy)]
pub(super) struct Course<'a> {
    pub(super) recipe: &'a Recipe,
    pub(super) plan: &'a Plan,
    /// With autodiff.
    pub(super) device: &'a Device,
    /// Added to the logits before the loss.
    pub(super) adjustment: Option<&'a [f32]>,
}

/// Learns from one batch; where it completes a group, updates the weights. Returns what it measured and the batch's logits,
/// outside any graph. On a GPU nothing is read from the device.
pub(super) fn step(
    state: &mut TrainState,
    accumulated: &mut Accumulated,
    course: Course<'_>,
    batch: LoadedBatch,
    candidates: LossBatch,
) -> Result<(Measured, Tensor<2>), RunError> {
    let Course { recipe, plan, device, adjustment } = course;
    let (epoch, number) = (state.position.epoch, state.position.batch);
    let rows = batch.labels.len();
    let pictures = Tensor::<4>::from_data(TensorData::new(batch.pixels, batch.shape), device);
    let (logits, updates) =
        state.network.forward_train(pictures, seed(recipe.seed, Stream::Network, epoch as u64, number as u64))?;
    let values = logits.clone().without_autodiff();
    let at = |source| RunError::Step { epoch: epoch + 1, step: number + 1, source, kept: false };
    let candidates = if recipe.loss.kind.draws_classes() {
        // A function of the batch's number, so that a run that is resumed draws the same.
        let draws = ClassDraws::new(seed(recipe.seed, Stream::Draws, 0, 0));
        candidates.draw(logits.dims()[1], &mut draws.at((epoch * plan.batches + number) as u64)).map_err(at)?
    } else {
        candidates
    };
    let value = state.loss.forward(adjusted(logits, adjustment, device), candidates).map_err(at)?;
    let loss = value.clone().without_autodiff();
    // A mean over the pictures of the whole group, whatever the sizes of its batches.
    let share = rows as f64 / plan.rows(plan.group(number)) as f64;
    let value = if share < 1.0 { value.mul_scalar(share) } else { value };
    let mut gradients = value.backward();
    let of_network = GradientsParams::from_module(&mut gradients, &state.network);
    accumulated.network.accumulate(&state.network, of_network);
    if state.loss_optimizer.is_some() {
        let of_loss = GradientsParams::from_module(&mut gradients, &state.loss);
        accumulated.loss.accumulate(&state.loss, of_loss);
    }
    drop(gradients);
    state.network.update_running(updates)?;
    if let Some(queue) = &mut state.queue {
        queue.push(&batch.targets)?;
    }
    let learning_rate = plan.schedule.at(state.position.optimizer_steps);
    let gradient_norm = if plan.completes(number) { update(state, accumulated, course)? } else { None };
    let correct = correct(values.clone(), &batch.labels, &values.device());
    state.position.batch += 1;
    Ok((Measured { rows, learning_rate, loss, correct, gradient_norm }, values))
}

/// The optimiser step. Returns the norm of the gradient if it is clipped by it and was not read here.
fn update(
    state: &mut TrainState,
    accumulated: &mut Accumulated,
    Course { recipe, plan, device, .. }: Course<'_>,
) -> Result<Option<Tensor<1>>, RunError> {
    let rate = plan.schedule.at(state.position.optimizer_steps);
    let (mut gradients, mut unread) = (accumulated.network.grads(), None);
    match recipe.optimizer.clip_norm {
        None => {}
        // Where reading is free it saves scaling gradients that are small enough.
        Some(limit) if is_cpu(device) => {
            let (clipped, norm) = clip_global_norm(&state.network, gradients, limit);
            gradients = clipped;
            match norm {
                Some(norm) if norm.is_finite() => {}
                Some(norm) => {
                    let (epoch, step) = (state.position.epoch + 1, state.position.batch + 1);
                    let found = format!("the norm of the gradient is {norm}");
                    return Err(RunError::Diverged { epoch, step, learning_rate: rate, found, kept: false });
                }
                None => return Err(RunError::read("norm of the gradient", "no value")),
            }
        }
        Some(limit) => (gradients, unread) = clip_global_norm_unread(&state.network, gradients, limit),
    }
    state.network = state.optimizer.step(rate, state.network.clone(), gradients);
    if let Some(optimizer) = &mut state.loss_optimizer {
        let rate = TEMPERATURE_RATE * rate / plan.schedule.peak;
        state.loss = optimizer.step(rate, state.loss.clone(), accumulated.loss.grads());
    }
    state.position.optimizer_steps += 1;
    if let Some(average) = &mut state.average {
        average.update(&state.network, state.position.optimizer_steps)?;
    }
    Ok(unread)
}
