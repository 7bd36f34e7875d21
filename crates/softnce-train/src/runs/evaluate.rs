//! Evaluation of a network on pictures, batch by batch, for sets of any size.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use burn::tensor::{Device, Tensor, TensorData};
use ndarray::Array2;
use serde::{Deserialize, Serialize};
use softnce_data::augmentation::Augmentation;
use softnce_data::loader::Loader;
use softnce_metrics::{EvaluationResult, Evaluator, EvaluatorConfig, TemperatureFit};
use softnce_nn::models::Network;

use super::data::{Labelled, RunData};
use super::error::RunError;
use crate::recipe::Recipe;

/// The metrics of a network on the test pictures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TestResult {
    /// At the temperature of the loss.
    pub test: EvaluationResult,
    /// The temperature fitted on the validation pictures; none where the recipe does not ask for it or holds none out.
    pub fit: Option<TemperatureFit>,
    /// At the fitted temperature.
    pub scaled: Option<EvaluationResult>,
}

/// Logits of every picture, a batch at a time; `false` where it was stopped.
///
/// # Errors
/// A picture that cannot be read; logits that cannot be read from the device; what `visit` says.
pub(super) fn logits(
    network: &Network,
    pictures: &Labelled,
    recipe: &Recipe,
    device: &Device,
    stop: &AtomicBool,
    mut visit: impl FnMut(Array2<f32>, &[usize], &[usize]) -> Result<(), RunError>,
) -> Result<bool, RunError> {
    let augmentation = Augmentation::new(recipe.augmentation.clone())?;
    let (rows, workers) = (recipe.evaluation.batch_size, recipe.training.workers);
    let loader = Loader::evaluation(Arc::clone(&pictures.pictures), augmentation, None, rows, workers)?;
    let device = device.clone().without_autodiff();
    for batch in loader.epoch(0, 0) {
        if stop.load(Ordering::Relaxed) {
            return Ok(false);
        }
        let batch = batch?;
        let inputs = Tensor::<4>::from_data(TensorData::new(batch.pixels, batch.shape), &device);
        let output = network.forward(inputs)?;
        let shape = output.dims();
        let values = output.try_to_vec_as::<f32>().map_err(|error| RunError::read("logits", error))?;
        let values =
            Array2::from_shape_vec((shape[0], shape[1]), values).map_err(|error| RunError::read("logits", error))?;
        visit(values, &batch.labels, &batch.indices)?;
    }
    Ok(true)
}

/// The metrics of a network on pictures at a temperature; `None` where it was stopped.
pub(super) fn evaluate(
    network: &Network,
    pictures: &Labelled,
    recipe: &Recipe,
    class_counts: Option<&[u64]>,
    temperature: f64,
    device: &Device,
    stop: &AtomicBool,
) -> Result<Option<EvaluationResult>, RunError> {
    let config = EvaluatorConfig {
        bins: recipe.evaluation.bins,
        temperature,
        class_counts: class_counts.map(<[u64]>::to_vec),
        hardest: recipe.evaluation.pictures,
    };
    let mut evaluator = Evaluator::new(pictures.pictures.class_names().len(), config)?;
    let whole = logits(network, pictures, recipe, device, stop, |logits, labels, indices| {
        push(&mut evaluator, pictures, &logits, labels, indices)
    })?;
    Ok(if whole { Some(evaluator.finish()?) } else { None })
}

fn push(
    evaluator: &mut Evaluator,
    pictures: &Labelled,
    logits: &Array2<f32>,
    labels: &[usize],
    indices: &[usize],
) -> Result<(), RunError> {
    let rows = pictures.distributions.as_ref().map(|all| all.select(ndarray::Axis(0), indices));
    Ok(evaluator.push(logits.view(), labels, rows.as_ref().map(|rows| rows.view()), indices)?)
}

/// Evaluates a network on the test pictures: once at the temperature of the loss, and where the recipe asks for it at
/// the one that fits the validation pictures best. `None` where it was stopped.
///
/// # Errors
/// Pictures that cannot be read; logits that are not finite.
pub fn test_network(
    network: &Network,
    data: &RunData,
    recipe: &Recipe,
    temperature: f64,
    device: &Device,
    stop: &AtomicBool,
) -> Result<Option<TestResult>, RunError> {
    let mut fit = None;
    if let Some(validation) = data.validation.as_ref().filter(|_| recipe.evaluation.scale_temperature) {
        // The logits are kept: a fit goes through them some ten times, the network once.
        let mut parts = Vec::new();
        let whole = logits(network, validation, recipe, device, stop, |logits, labels, _| {
            parts.push((logits, labels.to_vec()));
            Ok(())
        })?;
        if !whole {
            return Ok(None);
        }
        fit = Some(TemperatureFit::fit_passes::<RunError>(temperature, |visit| {
            parts.iter().try_for_each(|(logits, labels)| Ok(visit(logits.view(), labels)?))
        })?);
    }
    let config = |temperature| EvaluatorConfig {
        bins: recipe.evaluation.bins,
        temperature,
        class_counts: Some(data.class_counts.clone()),
        hardest: recipe.evaluation.pictures,
    };
    let mut plain = Evaluator::new(data.classes(), config(temperature))?;
    let mut scaled = fit.map(|fit| Evaluator::new(data.classes(), config(fit.temperature))).transpose()?;
    let whole = logits(network, &data.test, recipe, device, stop, |logits, labels, indices| {
        push(&mut plain, &data.test, &logits, labels, indices)?;
        scaled.as_mut().map_or(Ok(()), |scaled| push(scaled, &data.test, &logits, labels, indices))
    })?;
    if !whole {
        return Ok(None);
    }
    let scaled = scaled.map(Evaluator::finish).transpose()?;
    Ok(Some(TestResult { test: plain.finish()?, fit, scaled }))
}
