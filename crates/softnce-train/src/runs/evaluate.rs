//! Evaluation of a network on pictures, batch by batch, for sets of any size.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use burn::tensor::{Device, Tensor, TensorData};
use ndarray::{Array2, ArrayView1};
use serde::{Deserialize, Serialize};
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

/// Calls `visit` with the logits of each batch, its labels and indices; `false` if it was stopped.
///
/// # Errors
/// A picture that cannot be read; a logit that is not finite; logits that cannot be read from the device; an error of
/// `visit`.
pub(super) fn logits(
    network: &Network,
    pictures: &Labelled,
    recipe: &Recipe,
    device: &Device,
    stop: &AtomicBool,
    mut visit: impl FnMut(Array2<f32>, &[usize], &[usize]) -> Result<(), RunError>,
) -> Result<bool, RunError> {
    let preparation = pictures.preparation(recipe)?;
    let (rows, workers) = (recipe.evaluation.batch_size, recipe.training.workers);
    let loader = Loader::evaluation(Arc::clone(&pictures.pictures), preparation, None, rows, workers)?;
    batches(network, &loader, device, stop, |logits, labels, indices| {
        for (row, &index) in logits.rows().into_iter().zip(indices) {
            check_finite(row, index, pictures)?;
        }
        visit(logits, labels, indices)
    })
}

/// As [`logits`] for pictures of which some may be unreadable: calls `visit` for each, with its logits or the reason
/// why there are none.
///
/// # Errors
/// As [`logits`], but for pictures that cannot be read.
pub(super) fn predictions(
    network: &Network,
    pictures: &Labelled,
    recipe: &Recipe,
    device: &Device,
    stop: &AtomicBool,
    mut visit: impl FnMut(usize, Result<ArrayView1<'_, f32>, String>) -> Result<(), RunError>,
) -> Result<bool, RunError> {
    let preparation = pictures.preparation(recipe)?;
    let (rows, workers) = (recipe.evaluation.batch_size, recipe.training.workers);
    let loader = Loader::prediction(Arc::clone(&pictures.pictures), preparation, rows, workers)?;
    batches(network, &loader, device, stop, |logits, _, indices| {
        for (row, &index) in logits.rows().into_iter().zip(indices) {
            match loader.take_failure(index) {
                Some(error) => visit(index, Err(error.reason()))?,
                None => {
                    check_finite(row, index, pictures)?;
                    visit(index, Ok(row))?;
                }
            }
        }
        Ok(())
    })
}

/// Logits of the batches of a loader.
fn batches(
    network: &Network,
    loader: &Loader,
    device: &Device,
    stop: &AtomicBool,
    mut visit: impl FnMut(Array2<f32>, &[usize], &[usize]) -> Result<(), RunError>,
) -> Result<bool, RunError> {
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

fn check_finite(logits: ArrayView1<'_, f32>, index: usize, pictures: &Labelled) -> Result<(), RunError> {
    match logits.iter().position(|logit| !logit.is_finite()) {
        None => Ok(()),
        Some(class) => Err(RunError::Logit { class, picture: pictures.pictures.describe(index), value: logits[class] }),
    }
}

/// The metrics of a network on pictures at a temperature; `None` where it was stopped. `seen` receives how many
/// pictures are evaluated, after each batch.
pub(super) fn evaluate(
    network: &Network,
    pictures: &Labelled,
    recipe: &Recipe,
    temperature: f64,
    device: &Device,
    stop: &AtomicBool,
    seen: &dyn Fn(usize),
) -> Result<Option<EvaluationResult>, RunError> {
    let config = EvaluatorConfig {
        bins: recipe.evaluation.bins,
        temperature,
        class_counts: None,
        hardest: recipe.evaluation.pictures,
    };
    let mut evaluator = Evaluator::new(pictures.pictures.class_names().len(), config)?;
    let mut count = 0;
    let whole = logits(network, pictures, recipe, device, stop, |logits, labels, indices| {
        push(&mut evaluator, pictures, &logits, labels, indices)?;
        count += indices.len();
        seen(count);
        Ok(())
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

/// Largest number of validation logits that are kept to fit a temperature: 256 MiB of them.
const KEPT_LOGITS: usize = 1 << 26;
/// Pictures that the fit takes in any case.
const LEAST_PICTURES: usize = 256;

/// The validation pictures that a temperature is fitted on: all of them, or every n-th where more than [`KEPT_LOGITS`]
/// logits would be kept. A fit of one number on m pictures costs 1 / (2 m) nats of likelihood on average, so a sample
/// is enough.
fn fitting_sample(validation: &Labelled, classes: usize) -> Result<Labelled, RunError> {
    let most = (KEPT_LOGITS / classes.max(1)).max(LEAST_PICTURES);
    let every = validation.len().div_ceil(most).max(1);
    if every == 1 {
        return Ok(validation.clone());
    }
    validation.select((0..validation.len()).step_by(every).collect())
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
        let sample = fitting_sample(validation, data.classes())?;
        let mut parts = Vec::new();
        let whole = logits(network, &sample, recipe, device, stop, |logits, labels, _| {
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use softnce_data::sets::MemorySet;

    use super::*;

    #[test]
    fn only_as_many_logits_are_kept_as_fit_the_limit() {
        let pictures = |count: usize| {
            let names = (0..2).map(|class| class.to_string()).collect();
            let labels = (0..count).map(|index| index % 2).collect();
            let set = MemorySet::new("made", names, labels, [1, 1, 1], vec![0; count]).unwrap();
            Labelled::new(Arc::new(set), None)
        };
        let kept = |count: usize, classes: usize| fitting_sample(&pictures(count), classes).unwrap().len();
        assert_eq!(kept(50_000, 1000), 50_000);
        // 67,108 pictures of 1,000 classes make 2^26 logits.
        assert_eq!(kept(67_108, 1000), 67_108);
        assert_eq!(kept(67_109, 1000), 33_555);
        assert_eq!(kept(50_000, 100_000), 667);
        assert_eq!(kept(1000, 10_000_000), 250);
        assert_eq!(kept(100, 10_000_000), 100);
    }
}
