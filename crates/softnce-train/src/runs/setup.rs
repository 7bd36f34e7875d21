//! What a run starts with: network, optimisers, loss, loaders.

use std::path::Path;
use std::sync::Arc;

use burn::module::{Param, ParamId};
use burn::optim::ModuleOptimizer;
use burn::tensor::{Device, Tensor};
use softnce::{LossSettings, NoiseDistribution};
use softnce_burn::{LossConfig, LossModule};
use softnce_data::candidates::{CandidateConfig, TargetQueue};
use softnce_data::loader::{Loader, LoaderConfig};
use softnce_nn::models::Network;
use softnce_nn::weights;

use super::data::{Labelled, RunData};
use super::error::RunError;
use super::initial::{self, InitialWeights};
use super::state::{Position, TrainState};
use crate::device::is_cpu;
use crate::optimisation::{OptimizerConfig, Parameter, WeightAverage, adamw, build};
use crate::randomness::{Stream, generator};
use crate::recipe::{NoiseSource, Recipe};

/// The batches to learn from.
pub(super) fn train_loader(recipe: &Recipe, train: &Labelled) -> Result<Loader, RunError> {
    let training = &recipe.training;
    let config = LoaderConfig {
        batch_size: training.batch_size,
        workers: training.workers,
        prefetch: training.prefetch,
        drop_last: training.drop_last,
        shuffle: true,
        seed: recipe.seed,
    };
    let soft = recipe.loss.kind.takes_soft_targets();
    let distributions = train.distributions.as_ref().filter(|_| soft).map(Arc::clone);
    let preparation = train.preparation(recipe)?;
    Ok(Loader::train(Arc::clone(&train.pictures), preparation, recipe.mixing.clone(), distributions, config)?)
}

/// The loss with its noise distribution.
pub(super) fn loss(recipe: &Recipe, data: &RunData, device: &Device) -> Result<LossModule, RunError> {
    let section = &recipe.loss;
    let noise = match section.noise {
        NoiseSource::Uniform => NoiseDistribution::uniform(),
        NoiseSource::Frequencies => {
            NoiseDistribution::from_counts(&data.class_counts, NoiseDistribution::DEFAULT_SMOOTHING)?
        }
    };
    let settings = LossSettings::new().with_temperature(section.temperature)?;
    let settings = settings.with_noise(noise.powered(section.alpha)?);
    // Off the CPU the check waits for the device in each step; the meter finds a loss that is not finite.
    let config = LossConfig::new(section.kind).with_settings(settings).with_check_values(is_cpu(device));
    let mut loss = config.with_learnable_temperature(section.learn_temperature).init(device);
    // Optimiser states are kept by id, and ids are drawn unless given.
    if let Some(temperature) = loss.log_temperature.take() {
        loss.log_temperature = Some(Param::initialized(TEMPERATURE.into(), temperature.val().require_grad()));
    }
    Ok(loss)
}

/// The id of the learned temperature's parameter.
pub(super) const TEMPERATURE: u64 = 0x7465_6d70;

/// The optimiser of the learned temperature: AdamW without decay.
pub(super) fn loss_optimizer(config: &OptimizerConfig) -> ModuleOptimizer {
    adamw(config, false).into()
}

/// What the optimiser has to know of each parameter.
pub(super) fn parameters(network: &Network) -> Result<Vec<Parameter>, RunError> {
    let shapes: std::collections::HashMap<String, Vec<usize>> = weights::shapes(network).into_iter().collect();
    let ids: Vec<(ParamId, String)> = weights::parameter_ids(network);
    Ok(ids
        .into_iter()
        .map(|(id, name)| {
            let shape = shapes.get(&name).map_or(&[][..], Vec::as_slice);
            Parameter { id, layer: weights::layer_of(network, &name), decays: weights::decays(&name, shape) }
        })
        .collect())
}

/// The state before the first step, what was taken from a checkpoint to start from, and notes for the user.
pub(super) fn state(
    recipe: &Recipe,
    data: &RunData,
    folder: &Path,
    device: &Device,
    resumed: bool,
) -> Result<(TrainState, Option<InitialWeights>, Vec<String>), RunError> {
    let device = &device.clone().autodiff();
    let mut notes = Vec::new();
    let mut draws = generator(recipe.seed, Stream::Weights, 0, 0);
    let mut network = recipe.network.init(recipe.input_shape(data.features()), data.classes(), &mut draws, device)?;
    let mut initial = None;
    // A run that continues has its own weights.
    if let Some(section) = recipe.weights.as_ref().filter(|_| !resumed) {
        let (loaded, from, more) = initial::load(network, section, folder)?;
        (network, initial) = (loaded, Some(from));
        notes.extend(more);
    }
    let optimizer = build(&recipe.optimizer, &parameters(&network)?);
    let average = recipe.optimizer.average.map(|decay| WeightAverage::new(&network, decay));
    let loss = loss(recipe, data, device)?;
    let loss_optimizer = recipe.loss.learn_temperature.then(|| loss_optimizer(&recipe.optimizer));
    let queue = match recipe.candidates {
        CandidateConfig::Queue { size } if recipe.loss.kind.is_contrastive() => {
            Some(TargetQueue::new(size, data.classes())?)
        }
        _ => None,
    };
    let (position, history) = (Position::default(), Vec::new());
    let state = TrainState { network, average, optimizer, loss, loss_optimizer, queue, position, history };
    Ok((state, initial, notes))
}

/// Reads a tensor of one number.
///
/// # Shapes
/// `value`: `[1]`.
pub(super) fn scalar(value: Tensor<1>) -> Result<f64, RunError> {
    value.without_autodiff().try_into_scalar::<f32>().map(f64::from).map_err(|error| RunError::read("loss", error))
}
