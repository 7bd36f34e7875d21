//! The training loop.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use burn::lr_scheduler::cosine::CosineAnnealingLrSchedulerConfig;
use burn::optim::{AdamWConfig, GradientsParams};
use burn::tensor::{Device, Tensor, TensorData};
use serde::{Deserialize, Serialize};
use softnce::Targets;
use softnce_burn::LossBatch;

use super::batches::{self, Stream};
use super::settings::check;
use super::{TrainError, TrainingSettings, build_loss, predict, timing};
use crate::data::PictureSet;
use crate::metrics::evaluate;
use crate::mixing::{Mixed, PictureSize, draw_labels};
use crate::model::{Mlp, MlpConfig};
use crate::stats::median;

/// One epoch of one run, as drawn in the learning curves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// Number of the epoch, from 1.
    pub epoch: usize,
    /// Mean training loss over the epoch's batches. Losses of different kinds do not compare.
    pub train_loss: f64,
    /// Share of the validation pictures whose most probable class is right, in `[0, 1]`.
    pub validation_top1: f64,
    /// Negative log likelihood on the validation pictures, in nats.
    pub validation_nll: f64,
}

/// A finished run.
#[derive(Debug)]
pub struct Trained {
    /// The network.
    pub model: Mlp,
    /// Epoch by epoch.
    pub epochs: Vec<EpochRecord>,
    /// Median wall time of a step once its batch is there (forward, loss, backward, optimiser), in milliseconds.
    pub step_ms: f64,
    /// Median wall time of the loss alone, forward and backward, on a batch's logits, in milliseconds.
    pub loss_ms: f64,
}

/// Trains a network. `None` where `stop` was set before the end.
///
/// Runs that differ in the loss alone start from the same weights and see the same batches in the same order; those
/// that mix mix alike.
///
/// # Errors
/// Settings out of range; weights that diverge ([`TrainError::is_divergence`]).
pub fn train(
    settings: &TrainingSettings,
    pictures: &PictureSet,
    validation: &PictureSet,
    device: &Device,
    stop: &AtomicBool,
    mut on_epoch: impl FnMut(&EpochRecord),
) -> Result<Option<Trained>, TrainError> {
    let steps = check(settings, pictures, validation)?;
    let device = &device.clone().autodiff();
    let loss = build_loss(settings, pictures, device)?;
    let network = MlpConfig::new(pictures.height * pictures.width, settings.hidden.clone(), pictures.classes);
    let mut model = network.init(&mut batches::generator(settings.seed, 0, Stream::Weights), device);
    let adamw = AdamWConfig::new().with_epsilon(1e-8).with_weight_decay(settings.weight_decay as f32);
    let mut optimizer = adamw.init();
    let cosine = CosineAnnealingLrSchedulerConfig::new(settings.learning_rate, steps);
    let mut schedule = cosine.init().map_err(|_| TrainError::Setting {
        argument: "learning rate",
        value: settings.learning_rate.to_string(),
        expected: "a number above 0, at most 1",
    })?;

    let (mut records, mut step_times) = (Vec::new(), Vec::new());
    // A whole batch with its logits, to time the loss alone on.
    let mut timed = None;
    for epoch in 1..=settings.epochs {
        let mut mixing = batches::generator(settings.seed, epoch, Stream::Mixing);
        let mut drawing = batches::generator(settings.seed, epoch, Stream::Candidates);
        let order = batches::order(pictures.len(), settings.seed, epoch);
        let mut total = 0.0;
        for (step, rows) in order.chunks(settings.batch_size).enumerate() {
            if stop.load(Ordering::Relaxed) {
                return Ok(None);
            }
            let (inputs, batch) = prepare(settings, pictures, rows, &mut mixing, &mut drawing, device)?;
            let start = Instant::now();
            let logits = model.forward(inputs);
            if epoch == settings.epochs && step == 0 {
                timed = Some((logits.clone().without_autodiff(), batch.clone()));
            }
            let at = |source| TrainError::Loss { epoch, step: step + 1, source };
            let value = loss.forward(logits, batch).map_err(at)?;
            let gradients = GradientsParams::from_grads(value.backward(), &model);
            model = optimizer.step(schedule.step(), model, gradients);
            let value = value.without_autodiff().try_into_scalar::<f64>();
            let value = value.map_err(|error| TrainError::Read { what: "loss", reason: format!("{error:?}") })?;
            total += value * rows.len() as f64;
            step_times.push(timing::since(start));
        }
        let evaluation =
            evaluate(predict(&model, validation, device)?.view(), settings.temperature, &validation.labels)?;
        let record = EpochRecord {
            epoch,
            train_loss: total / pictures.len() as f64,
            validation_top1: evaluation.top1,
            validation_nll: evaluation.nll,
        };
        on_epoch(&record);
        records.push(record);
    }
    let loss_times = match timed {
        Some((logits, batch)) => {
            let values = logits.try_to_vec_as::<f32>();
            let values = values.map_err(|error| TrainError::Read { what: "logits", reason: format!("{error:?}") })?;
            timing::loss_alone(&loss, &values, pictures.classes, &batch, device)?
        }
        None => Vec::new(),
    };
    let (step_ms, loss_ms) = (median(&step_times)?, median(&loss_times)?);
    Ok(Some(Trained { model, epochs: records, step_ms, loss_ms }))
}

/// A batch's inputs and label side: mixed for the losses that take soft targets, plain for the others.
fn prepare(
    settings: &TrainingSettings,
    pictures: &PictureSet,
    rows: &[usize],
    mixing: &mut chacha20::ChaCha8Rng,
    drawing: &mut chacha20::ChaCha8Rng,
    device: &Device,
) -> Result<(Tensor<2>, LossBatch), TrainError> {
    let size = PictureSize { height: pictures.height, width: pictures.width };
    let (classes, all) = (pictures.classes, &pictures.labels);
    let plain = pictures.select(rows)?;
    let further = if settings.loss.is_contrastive() { settings.further_candidates } else { 0 };
    let (pixels, targets, drawn) = if settings.loss.takes_soft_targets() {
        let Mixed { pixels, targets } =
            settings.mixing.mix(plain.pixels.view(), &plain.labels, classes, size, mixing)?;
        let draw = || settings.mixing.draw_targets(further, all, classes, size, drawing);
        (pixels, targets, (further > 0).then(draw).transpose()?)
    } else {
        let targets = Targets::hard(&plain.labels, classes)?;
        let draw = || Targets::hard(&draw_labels(further, all, drawing), classes);
        (plain.pixels, targets, (further > 0).then(draw).transpose()?)
    };
    let batch = LossBatch::from(targets);
    let batch = match drawn {
        Some(drawn) => batch.with_further(drawn),
        None => batch,
    };
    let shape = [pixels.nrows(), pixels.ncols()];
    let values = pixels.into_raw_vec_and_offset().0;
    Ok((Tensor::from_data(TensorData::new(values, shape), device), batch))
}
