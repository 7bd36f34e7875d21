//! What a run is trained with, and what it refuses before the first step.

use burn::tensor::Device;
use rand::Rng;
use softnce::{LossKind, NoiseDistribution, Targets};
use softnce_burn::{LossConfig, Noise, SelectedLoss};

use super::TrainError;
use super::batches::{self, Stream};
use crate::data::PictureSet;
use crate::mixing::Mixing;

/// What a run is trained with.
#[derive(Debug, Clone)]
pub struct TrainingSettings {
    /// The loss.
    pub loss: LossKind,
    /// Seed of the initial weights, the batch order, the mixing and the draws.
    pub seed: u64,
    /// Learning rate of the first step; it falls to 0 along half a cosine.
    pub learning_rate: f64,
    /// Passes over the training pictures.
    pub epochs: usize,
    /// Rows of a batch; the last of an epoch may have fewer.
    pub batch_size: usize,
    /// Widths of the hidden layers.
    pub hidden: Vec<usize>,
    /// Temperature of the loss and of the posterior.
    pub temperature: f64,
    /// Power of the class frequencies in the noise distribution.
    pub alpha: f64,
    /// Candidates drawn from the training set's target distribution, beyond the batch's own targets.
    pub further_candidates: usize,
    /// AdamW's decoupled weight decay.
    pub weight_decay: f64,
    /// Mixing of the losses that take soft targets; the others see the pictures as they are.
    pub mixing: Mixing,
}

/// More steps or candidates than this are a slip of the finger.
const MAX_STEPS: usize = 1 << 40;
const MAX_CANDIDATES: usize = 1 << 24;

/// Refuses what the loop could not go through with; the number of steps.
pub(super) fn check(
    settings: &TrainingSettings,
    pictures: &PictureSet,
    validation: &PictureSet,
) -> Result<usize, TrainError> {
    let refuse = |argument, value: String, expected| Err(TrainError::Setting { argument, value, expected });
    for (argument, value) in [("epochs", settings.epochs), ("batch size", settings.batch_size)] {
        if value == 0 {
            return refuse(argument, value.to_string(), "a number above 0");
        }
    }
    if settings.hidden.contains(&0) {
        return refuse("hidden", format!("{:?}", settings.hidden), "widths above 0");
    }
    if !(settings.learning_rate > 0.0 && settings.learning_rate <= 1.0) {
        return refuse("learning rate", settings.learning_rate.to_string(), "a number above 0, at most 1");
    }
    if !(settings.weight_decay >= 0.0 && settings.weight_decay.is_finite()) {
        return refuse("weight decay", settings.weight_decay.to_string(), "a finite number not below 0");
    }
    if settings.further_candidates > MAX_CANDIDATES {
        return refuse("further candidates", settings.further_candidates.to_string(), "at most 2^24");
    }
    for (argument, set) in [("training pictures", pictures), ("validation pictures", validation)] {
        let size = set.height.checked_mul(set.width);
        let same = (set.height, set.width, set.classes) == (pictures.height, pictures.width, pictures.classes);
        if set.is_empty() || !same || size != Some(set.pixels.ncols()) || set.labels.len() != set.pixels.nrows() {
            let value = format!("{} of {}x{} over {} classes", set.len(), set.height, set.width, set.classes);
            return refuse(argument, value, "at least one picture, all of one size over the same classes");
        }
    }
    let steps = settings.epochs.checked_mul(pictures.len().div_ceil(settings.batch_size));
    match steps.filter(|&steps| steps <= MAX_STEPS) {
        Some(steps) => Ok(steps),
        None => refuse("epochs", settings.epochs.to_string(), "at most 2^40 steps in all"),
    }
}

/// The loss of a run, with the training pictures' class frequencies as noise.
///
/// # Errors
/// A temperature or an alpha out of range, for these frequencies.
pub fn build_loss(
    settings: &TrainingSettings,
    pictures: &PictureSet,
    device: &Device,
) -> Result<SelectedLoss, TrainError> {
    let counts = Targets::hard(&pictures.labels, pictures.classes)?.class_mass().to_vec();
    let config = LossConfig::new(settings.loss)
        .with_temperature(settings.temperature)
        .with_noise(Noise::Counts { counts, smoothing: NoiseDistribution::DEFAULT_SMOOTHING })
        .with_alpha(settings.alpha)
        .with_seed(batches::generator(settings.seed, 0, Stream::Draws).next_u64());
    Ok(config.init(device)?)
}
