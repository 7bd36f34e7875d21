//! The resolved configuration of a comparison.

use serde::{Deserialize, Serialize};
use softnce::LossKind;

use super::CompareError;
use crate::mixing::{Mixing, MixingError};
use crate::training::TrainingSettings;

/// How a comparison is run; written beside its results, and what a rerun must match to continue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CompareConfig {
    /// Losses to compare, in report order.
    pub losses: Vec<LossKind>,
    /// Number of seeds, from 0; the same seeds for every loss.
    pub seeds: u64,
    /// Passes over the training split.
    pub epochs: usize,
    /// Rows of a batch.
    pub batch_size: usize,
    /// Widths of the network's hidden layers.
    pub hidden: Vec<usize>,
    /// Temperature of the losses and of the posterior.
    pub temperature: f64,
    /// Power of the training set's class frequencies in the noise distribution; 1 the frequencies, 0 uniform.
    pub alpha: f64,
    /// Candidates per batch; beyond the batch's own targets they are drawn from the training set's target distribution.
    pub candidates: usize,
    /// Learning rates tried on the validation split, the same for every loss.
    pub learning_rates: Vec<f64>,
    /// Seeds that each learning rate is tried with; their mean decides. They are not among those compared.
    pub tuning_seeds: u64,
    /// Share of the training pictures held out for validation.
    pub validation_share: f64,
    /// AdamW's decoupled weight decay.
    pub weight_decay: f64,
    /// Parameter of MixUp's Beta distribution.
    pub mixup_alpha: f64,
    /// Parameter of CutMix's Beta distribution.
    pub cutmix_alpha: f64,
    /// Share of the rows of a soft-target loss that are mixed by CutMix, the others by MixUp.
    pub cutmix_probability: f64,
    /// Label smoothing of the soft-target losses.
    pub smoothing: f64,
}

/// The loss that the others are compared with.
pub const BASELINE: LossKind = LossKind::SoftTargetCrossEntropy;

impl Default for CompareConfig {
    /// The main job: all losses, 5 seeds, a small network.
    fn default() -> Self {
        CompareConfig {
            losses: LossKind::ALL.to_vec(),
            seeds: 5,
            epochs: 80,
            batch_size: 128,
            hidden: vec![128, 128],
            temperature: 1.0,
            alpha: 1.0,
            candidates: 128,
            learning_rates: vec![1e-3, 3e-3, 1e-2, 3e-2, 1e-1],
            tuning_seeds: 3,
            validation_share: 0.2,
            weight_decay: 0.05,
            mixup_alpha: 0.8,
            cutmix_alpha: 1.0,
            cutmix_probability: 0.5,
            smoothing: 0.1,
        }
    }
}

impl CompareConfig {
    /// Checks every setting before anything is trained.
    ///
    /// # Errors
    /// [`CompareError::Setting`] with the name of the setting, its value and its range.
    pub fn check(&self) -> Result<(), CompareError> {
        let refuse = |argument: &'static str, value: String, expected: &'static str| {
            Err(CompareError::Setting { argument, value, expected })
        };
        let mut known = Vec::new();
        for &loss in &self.losses {
            if known.contains(&loss) {
                return refuse("losses", loss.to_string(), "each loss once");
            }
            known.push(loss);
        }
        if self.losses.is_empty() {
            return refuse("losses", "empty".into(), "at least one loss");
        }
        for (argument, value) in [
            ("seeds", self.seeds),
            ("tuning seeds", self.tuning_seeds),
            ("epochs", self.epochs as u64),
            ("batch size", self.batch_size as u64),
        ] {
            if value == 0 {
                return refuse(argument, value.to_string(), "a number above 0");
            }
        }
        for (argument, value) in [("seeds", self.seeds), ("tuning seeds", self.tuning_seeds)] {
            if value > MAX_SEEDS {
                return refuse(argument, value.to_string(), "at most 1000");
            }
        }
        if self.epochs > MAX_EPOCHS {
            return refuse("epochs", self.epochs.to_string(), "at most 1000000");
        }
        if self.hidden.iter().any(|width| !(1..=MAX_WIDTH).contains(width)) {
            return refuse("hidden", format!("{:?}", self.hidden), "widths from 1 to 65536");
        }
        if !(MIN_TEMPERATURE..=MAX_TEMPERATURE).contains(&self.temperature) {
            return refuse("temperature", self.temperature.to_string(), "a number from 0.000001 to 1000000");
        }
        if self.candidates < self.batch_size {
            let expected = "at least the batch size: a batch's own targets are always candidates";
            return refuse("candidates", self.candidates.to_string(), expected);
        }
        if self.candidates > MAX_CANDIDATES {
            return refuse("candidates", self.candidates.to_string(), "at most 1048576");
        }
        if let Some(rate) = self.learning_rates.iter().find(|rate| !(**rate > 0.0 && **rate <= 1.0)) {
            return refuse("learning rates", rate.to_string(), "numbers above 0, at most 1");
        }
        let mut rates = self.learning_rates.clone();
        rates.sort_by(f64::total_cmp);
        rates.dedup();
        if rates.is_empty() || rates.len() != self.learning_rates.len() {
            return refuse("learning rates", format!("{:?}", self.learning_rates), "at least one, each once");
        }
        if !(self.weight_decay >= 0.0 && self.weight_decay.is_finite()) {
            return refuse("weight decay", self.weight_decay.to_string(), "a finite number not below 0");
        }
        if !(self.validation_share > 0.0 && self.validation_share < 1.0) {
            return refuse("validation share", self.validation_share.to_string(), "a share above 0 and below 1");
        }
        softnce::NoiseDistribution::uniform().powered(self.alpha)?;
        self.mixing()?;
        Ok(())
    }

    /// The mixing of the losses that take soft targets.
    fn mixing(&self) -> Result<Mixing, MixingError> {
        Mixing::new(self.mixup_alpha, self.cutmix_alpha, self.cutmix_probability, self.smoothing)
    }

    /// What one run is trained with.
    pub(super) fn training(
        &self,
        loss: LossKind,
        seed: u64,
        learning_rate: f64,
    ) -> Result<TrainingSettings, MixingError> {
        Ok(TrainingSettings {
            loss,
            seed,
            learning_rate,
            epochs: self.epochs,
            batch_size: self.batch_size,
            hidden: self.hidden.clone(),
            temperature: self.temperature,
            alpha: self.alpha,
            further_candidates: self.candidates - self.batch_size,
            weight_decay: self.weight_decay,
            mixing: self.mixing()?,
        })
    }
}

/// More than this is a slip of the finger.
const MAX_SEEDS: u64 = 1000;
const MAX_EPOCHS: usize = 1_000_000;
const MAX_WIDTH: usize = 1 << 16;
/// Beyond these the scores of ordinary logits leave the range or the precision of f32.
const MIN_TEMPERATURE: f64 = 1e-6;
const MAX_TEMPERATURE: f64 = 1e6;
const MAX_CANDIDATES: usize = 1 << 20;
