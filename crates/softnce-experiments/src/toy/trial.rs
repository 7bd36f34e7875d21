//! One training of the small network, and what it found.

use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};
use rand::RngExt;
use serde::{Deserialize, Serialize};
use softnce_nn::models::{MlpConfig, Network, NetworkConfig};
use softnce_nn::weights;
use softnce_train::optimisation::{OptimizerConfig, Parameter, Schedule, build};
use softnce_train::randomness::{Stream, generator};

use super::estimator::{Estimator, Objective};
use super::problem::{Problem, grid};
use crate::StudyError;
use crate::tensors::{matrix, tensor};

/// What is trained, without the seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Setting {
    /// Number of classes, 2 or 3.
    pub classes: usize,
    /// The loss and its candidates.
    pub estimator: Estimator,
    /// Training inputs with their targets.
    pub samples: usize,
    /// Candidates of a row; the size of the batch where they come from there.
    pub candidates: usize,
}

/// How the network is trained: the same whatever the loss.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Training {
    /// Widths of the hidden layers.
    pub hidden: Vec<usize>,
    /// Rows of a batch.
    pub batch: usize,
    /// Optimiser steps.
    pub steps: usize,
    /// AdamW's rate after the warm-up of a twentieth of the steps; half a cosine to 0.
    pub rate: f64,
    /// AdamW's weight decay.
    pub weight_decay: f64,
}

impl Default for Training {
    fn default() -> Self {
        Training { hidden: vec![32, 32], batch: 128, steps: 1500, rate: 1e-2, weight_decay: 1e-3 }
    }
}

/// What one training found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// The seed of the sample, the weights, the batches and, from a stream of its own, the candidates.
    pub seed: u64,
    /// Logits minus that of the last class, at the points of [`points`]: one class after the other, without the last.
    pub curve: Vec<f32>,
    /// `ln M - L` on fresh inputs, with as many of their targets as candidates as in training: a lower bound of the mutual
    /// information of input and target, of input and class where the loss makes a class of the target. Contrastive
    /// losses alone.
    pub bound: Option<f64>,
    /// Why there is nothing, where the training diverged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diverged: Option<String>,
}

/// Inputs at which curves are read.
pub fn points() -> Vec<f64> {
    grid(POINTS)
}

const POINTS: usize = 101;
/// Inputs that the bound is taken over, at least.
const FRESH: usize = 4096;

/// Trains from one seed. A training that diverges does not end the study: it is recorded as diverged.
pub(crate) fn train(setting: &Setting, training: &Training, seed: u64) -> Result<Found, StudyError> {
    match trained(setting, training, seed) {
        Err(error @ StudyError::Diverged { .. }) => {
            Ok(Found { seed, curve: Vec::new(), bound: None, diverged: Some(error.to_string()) })
        }
        other => other,
    }
}

fn trained(setting: &Setting, training: &Training, seed: u64) -> Result<Found, StudyError> {
    let problem = Problem { classes: setting.classes };
    let sample = problem.training(setting.samples, seed);
    let device = Device::flex().autodiff();
    let config = NetworkConfig::Mlp(MlpConfig { hidden: training.hidden.clone(), ..MlpConfig::default() });
    let mut weights_draws = generator(seed, Stream::Weights, 0, 0);
    let mut network = config.init([1, 1, 1], setting.classes, &mut weights_draws, &device)?;
    let parameters = weights::parameter_ids(&network).into_iter();
    let parameters: Vec<Parameter> =
        parameters.map(|(id, name)| Parameter { id, layer: 0, decays: name.ends_with("weight") }).collect();
    let optimizer = OptimizerConfig { weight_decay: training.weight_decay, ..OptimizerConfig::default() };
    let mut optimizer = build(&optimizer, &parameters);
    let schedule = Schedule { peak: training.rate, floor: 0.0, warmup: training.steps / 20, steps: training.steps };
    let mut objective = Objective::new(setting.estimator, setting.candidates, &sample.targets, seed)?;
    let diverged = |step: usize, value: f64| {
        let (training, rate) = (format!("seed {seed}"), schedule.at(step.saturating_sub(1)));
        StudyError::Diverged { training, step, rate, value }
    };
    for step in 0..training.steps {
        let mut draws = generator(seed, Stream::Network, 0, step as u64);
        let rows: Vec<usize> = (0..training.batch).map(|_| draws.random_range(0..setting.samples)).collect();
        let mut draws = generator(seed, Stream::Candidates, 0, step as u64);
        let inputs: Vec<f64> = rows.iter().map(|&row| sample.inputs[row]).collect();
        let logits = forward(&network, &inputs, &device)?;
        let values = matrix(logits.clone())?;
        if values.iter().any(|value| !value.is_finite()) {
            return Err(diverged(step + 1, extreme(values.iter())));
        }
        let evaluated = objective.evaluate(values.view(), &rows, &mut draws).map_err(StudyError::from);
        let (loss, gradient) = evaluated.map_err(|error| match error.is_divergence() {
            true => diverged(step + 1, extreme(values.iter())),
            false => error,
        })?;
        if !loss.is_finite() {
            return Err(diverged(step + 1, loss));
        }
        // The gradient of this product by the weights is that of the loss.
        let product = logits * tensor(gradient, &device);
        let gradients = GradientsParams::from_grads(product.sum().backward(), &network);
        network = optimizer.step(schedule.at(step), network, gradients);
    }
    let logits = matrix(forward(&network, &points(), &device)?)?;
    let last = setting.classes - 1;
    let curve: Vec<f32> =
        (0..last).flat_map(|class| logits.rows().into_iter().map(move |row| row[class] - row[last])).collect();
    // Only this shows whether the last step diverged.
    if curve.iter().any(|value| !value.is_finite()) {
        return Err(diverged(training.steps, extreme(logits.iter())));
    }
    let bound = match setting.estimator.loss.is_contrastive() {
        false => None,
        true => match bound(setting, &network, problem, &mut objective, seed, &device) {
            Err(error) if error.is_divergence() => return Err(diverged(training.steps, extreme(logits.iter()))),
            found => Some(found?),
        },
    };
    match bound.filter(|bound| !bound.is_finite()) {
        Some(value) => Err(diverged(training.steps, value)),
        None => Ok(Found { seed, curve, bound, diverged: None }),
    }
}

/// The value farthest from 0; NaN if there is one.
fn extreme<'v>(values: impl Iterator<Item = &'v f32>) -> f64 {
    let farther = |one: f64, other: f64| if other.is_nan() || other.abs() > one.abs() { other } else { one };
    values.map(|&value| f64::from(value)).fold(0.0, |one, other| if one.is_nan() { one } else { farther(one, other) })
}

/// `ln M - L` over fresh inputs, M at a time.
fn bound(
    setting: &Setting,
    network: &Network,
    problem: Problem,
    objective: &mut Objective<'_>,
    seed: u64,
    device: &Device,
) -> Result<f64, StudyError> {
    let count = setting.candidates;
    let groups = FRESH.div_ceil(count);
    let fresh = problem.fresh(groups * count, seed);
    let logits = matrix(forward(network, &fresh.inputs, device)?)?;
    let mut sum = 0.0;
    for group in 0..groups {
        let rows = ndarray::s![group * count..(group + 1) * count, ..];
        sum += objective.among(logits.slice(rows), fresh.targets.slice(rows).to_owned())?;
    }
    Ok((count as f64).ln() - sum / groups as f64)
}

fn forward(network: &Network, inputs: &[f64], device: &Device) -> Result<Tensor<2>, StudyError> {
    let values: Vec<f32> = inputs.iter().map(|&x| x as f32).collect();
    Ok(network.forward(Tensor::<4>::from_data(TensorData::new(values, [inputs.len(), 1, 1, 1]), device))?)
}
