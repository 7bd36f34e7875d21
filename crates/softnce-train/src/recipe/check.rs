//! Values out of range, found before anything is read or trained.

use std::fmt::Display;

use softnce_data::augmentation::{Augmentation, AugmentationError};
use softnce_data::candidates::CandidateError;
use softnce_data::mixing::{Mixing, MixingConfig, MixingError};
use softnce_data::sets::Split;
use softnce_nn::models::{NetworkConfig, NetworkError};

use super::{Recipe, RecipeError};

/// Larger values are probably typing errors.
const MAX_BATCH: usize = 1 << 20;
const MAX_EPOCHS: usize = 1_000_000;
const MAX_SEEDS: u64 = 1000;
/// With more, only the rarest classes would be learned.
const MAX_ADJUSTMENT: f64 = 100.0;
/// Outside this range, the scores of ordinary logits leave the range or the precision of f32.
const TEMPERATURES: std::ops::RangeInclusive<f64> = 1e-6..=1e6;

impl Recipe {
    /// Checks all values that can be checked without the data.
    ///
    /// # Errors
    /// [`RecipeError::Refused`] with the key, the value and its range.
    pub fn check(&self) -> Result<(), RecipeError> {
        self.check_name()?;
        self.check_data()?;
        self.check_training()?;
        self.check_compare()?;
        self.check_loss()?;
        self.check_batch()?;
        self.check_weights()?;
        self.check_sections()?;
        if let Some((key, value, expected)) = self.optimizer.refused() {
            return refuse(key, value, expected);
        }
        let peak = self.optimizer.peak(self.samples_per_step()).unwrap_or(f64::INFINITY);
        if self.schedule.minimum_rate > peak {
            let expected = format!("at most the learning rate after the warm-up, {peak}");
            return refuse("schedule.minimum_rate", self.schedule.minimum_rate, expected);
        }
        Ok(())
    }

    fn check_weights(&self) -> Result<(), RecipeError> {
        let Some(weights) = &self.weights else { return Ok(()) };
        if weights.path.as_os_str().is_empty() {
            return refuse("weights.path", "empty", "a checkpoint, or the folder of a trained run");
        }
        let Some(grid) = weights.grid else { return Ok(()) };
        if grid.iter().any(|side| !(1..=4096).contains(side)) {
            return refuse("weights.grid", format!("{grid:?}"), "rows and columns from 1 to 4096");
        }
        if !matches!(self.network, NetworkConfig::Vit(_)) {
            let expected = "none: only vision transformers have position embeddings";
            return refuse("weights.grid", format!("{grid:?}"), expected);
        }
        Ok(())
    }

    /// Checks the sections whose types check themselves.
    fn check_sections(&self) -> Result<(), RecipeError> {
        if let Err(error) = self.candidates.check() {
            return match error {
                CandidateError::Size { argument, value, most } => {
                    refuse(argument, value, format!("a whole number from 1 to {most}"))
                }
                other => refused("candidates", format!("[candidates]: {other}")),
            };
        }
        if let Err(error) = Augmentation::new(self.augmentation.clone()) {
            return match error {
                AugmentationError::Setting { argument, value, expected } => {
                    refuse(format!("augmentation.{argument}"), value, expected)
                }
                AugmentationError::RandAugment { text, section, expected } => {
                    let expected = format!("{expected} instead of \"{section}\"");
                    refuse("augmentation.train.rand_augment", format!("\"{text}\""), expected)
                }
                AugmentationError::Exclusive { first, second } => {
                    let reason = format!("set augmentation.{first} or augmentation.{second}, not both");
                    refused(format!("augmentation.{first}"), reason)
                }
                other => refused("augmentation", format!("[augmentation]: {other}")),
            };
        }
        if let Some(mixing) = &self.mixing
            && let Err(error) = Mixing::new(mixing.clone())
        {
            return match error {
                MixingError::Setting { argument, value, expected } => {
                    refuse(format!("mixing.{argument}"), value, expected)
                }
                other => refused("mixing", format!("[mixing]: {other}")),
            };
        }
        // The number of classes is known only from the data; it is checked when the network is built.
        match self.network.check(self.input_shape(None), 2) {
            Err(NetworkError::Argument { argument, value, expected }) if argument.starts_with("input") => {
                refuse("augmentation.size", format!("{value} for the {argument}"), expected)
            }
            Err(NetworkError::Argument { argument, value, expected }) => {
                refuse(format!("network.{argument}"), value, expected)
            }
            Err(other) => refused("network", format!("[network]: {other}")),
            Ok(()) => Ok(()),
        }
    }

    fn check_loss(&self) -> Result<(), RecipeError> {
        let loss = &self.loss;
        if !TEMPERATURES.contains(&loss.temperature) {
            return refuse("loss.temperature", loss.temperature, "a number from 0.000001 to 1000000");
        }
        if !loss.alpha.is_finite() {
            return refuse("loss.alpha", loss.alpha, "a finite number");
        }
        let adjustment = loss.logit_adjustment;
        if !(0.0..=MAX_ADJUSTMENT).contains(&adjustment) {
            return refuse("loss.logit_adjustment", adjustment, format!("a number from 0 to {MAX_ADJUSTMENT}"));
        }
        if adjustment > 0.0 && loss.learn_temperature {
            return refuse("loss.logit_adjustment", adjustment, "0, because loss.learn_temperature is true");
        }
        Ok(())
    }

    /// Checks for batches of one picture that could not be learned from, and for targets that would all be the same.
    fn check_batch(&self) -> Result<(), RecipeError> {
        let mixing = self.mixing.as_ref();
        if let Some(smoothing) = mixing.map(|mixing| mixing.smoothing).filter(|&smoothing| smoothing == 1.0) {
            return refuse("mixing.smoothing", smoothing, "below 1: all targets would be the uniform distribution");
        }
        if self.training.batch_size > 1 {
            return Ok(());
        }
        if self.loss.kind.is_contrastive() && !self.candidates.beyond_batch() {
            let expected = "at least 2, because the candidates of a picture come from its batch: with one candidate the \
                            loss is always 0. Or take other candidates: candidates.kind = \"queue\", \"draws\" or \"classes\"";
            return refuse("training.batch_size", 1, expected);
        }
        if self.loss.kind.takes_soft_targets() && mixing.is_some_and(MixingConfig::mixes) {
            let expected =
                "at least 2, because mixing.mixup and mixing.cutmix mix the pictures of a batch with each other";
            return refuse("training.batch_size", 1, expected);
        }
        Ok(())
    }

    fn check_name(&self) -> Result<(), RecipeError> {
        let name = &self.name;
        let plain = name.chars().all(|letter| letter.is_alphanumeric() || "-_.".contains(letter));
        if name.is_empty() || name.starts_with('.') || !plain {
            return refuse("name", format!("\"{name}\""), "letters, digits, '-', '_' and '.', no '.' at the start");
        }
        Ok(())
    }

    fn check_data(&self) -> Result<(), RecipeError> {
        let data = &self.data;
        if !(data.validation_share >= 0.0 && data.validation_share < 1.0) {
            return refuse("data.validation_share", data.validation_share, "a share from 0, below 1");
        }
        if let Some(share) = data.test_share.filter(|share| !(*share > 0.0 && *share < 1.0)) {
            return refuse("data.test_share", share, "a share above 0 and below 1");
        }
        if let Some(imbalance) = data.imbalance.filter(|imbalance| !(*imbalance >= 1.0 && imbalance.is_finite())) {
            return refuse("data.imbalance", imbalance, "a finite number not below 1");
        }
        for (key, source) in
            [("data.train_labels.path", &data.train_labels), ("data.test_labels.path", &data.test_labels)]
        {
            if source.as_ref().is_some_and(|source| source.path().as_os_str().is_empty()) {
                return refuse(key, "empty", "a file");
            }
        }
        if data.train_part != Split::Train && data.test_share.is_none() {
            let expected = format!("a share, because data.train_part is \"{}\"", data.train_part);
            return refuse("data.test_share", "not set", expected);
        }
        if data.max_pixels == 0 {
            return refuse("data.max_pixels", 0, "a number above 0");
        }
        if data.validation_share == 0.0 {
            let because = "because data.validation_share is 0: the test pictures would decide which epoch is tested";
            if let Some(patience) = self.training.patience {
                return refuse("training.patience", patience, format!("no value, {because}"));
            }
            if self.evaluation.best {
                return refuse("evaluation.best", true, format!("false, {because}"));
            }
        }
        Ok(())
    }

    fn check_training(&self) -> Result<(), RecipeError> {
        let (training, schedule) = (&self.training, &self.schedule);
        for (key, value, most) in [
            ("training.batch_size", training.batch_size, MAX_BATCH),
            ("training.accumulate", training.accumulate, MAX_BATCH),
            ("training.evaluate_every", training.evaluate_every, MAX_EPOCHS),
            ("training.patience", training.patience.unwrap_or(1), MAX_EPOCHS),
            ("training.checkpoint_steps", training.checkpoint_steps.unwrap_or(1), usize::MAX),
            ("schedule.epochs", schedule.epochs, MAX_EPOCHS),
            ("evaluation.batch_size", self.evaluation.batch_size, MAX_BATCH),
            ("evaluation.bins", self.evaluation.bins, 10_000),
        ] {
            if !(1..=most).contains(&value) {
                return refuse(key, value, format!("a whole number from 1 to {most}"));
            }
        }
        for (key, value, most) in [
            ("training.workers", training.workers, 1024),
            ("training.prefetch", training.prefetch, 1024),
            ("evaluation.pictures", self.evaluation.pictures, 1000),
        ] {
            if value > most {
                return refuse(key, value, format!("at most {most}"));
            }
        }
        if !(schedule.warmup_epochs >= 0.0 && schedule.warmup_epochs <= schedule.epochs as f64) {
            let expected = format!("a number from 0 to schedule.epochs, {}", schedule.epochs);
            return refuse("schedule.warmup_epochs", schedule.warmup_epochs, expected);
        }
        if !(schedule.minimum_rate >= 0.0 && schedule.minimum_rate.is_finite()) {
            return refuse("schedule.minimum_rate", schedule.minimum_rate, "a finite number not below 0");
        }
        Ok(())
    }

    fn check_compare(&self) -> Result<(), RecipeError> {
        let compare = &self.compare;
        if compare.losses.is_empty() {
            return refuse("compare.losses", "empty", "at least one loss");
        }
        if has_repeats(&compare.losses) {
            return refuse("compare.losses", listed(&compare.losses), "each loss once");
        }
        for (key, value) in [("compare.seeds", compare.seeds), ("compare.tuning_seeds", compare.tuning_seeds)] {
            if !(1..=MAX_SEEDS).contains(&value) {
                return refuse(key, value, format!("a whole number from 1 to {MAX_SEEDS}"));
            }
        }
        if let Some(rate) = compare.learning_rates.iter().find(|rate| !(**rate > 0.0 && rate.is_finite())) {
            return refuse("compare.learning_rates", rate, "finite numbers above 0");
        }
        if let Some(rate) = compare.learning_rates.iter().find(|rate| **rate < self.schedule.minimum_rate) {
            let expected = format!("not below schedule.minimum_rate, {}", self.schedule.minimum_rate);
            return refuse("compare.learning_rates", rate, expected);
        }
        if has_repeats(&compare.learning_rates) {
            return refuse("compare.learning_rates", listed(&compare.learning_rates), "each rate once");
        }
        Ok(())
    }
}

fn has_repeats<T: PartialEq>(values: &[T]) -> bool {
    values.iter().enumerate().any(|(at, value)| values[..at].contains(value))
}

fn listed<T: Display>(values: &[T]) -> String {
    values.iter().map(T::to_string).collect::<Vec<_>>().join(", ")
}

/// The error for a value out of its range.
fn refuse(key: impl Into<String>, value: impl Display, expected: impl Display) -> Result<(), RecipeError> {
    let key = key.into();
    let reason = format!("{key} is {value}, expected {expected}");
    refused(key, reason)
}

fn refused(key: impl Into<String>, reason: String) -> Result<(), RecipeError> {
    Err(RecipeError::Refused { place: None, key: key.into(), reason })
}
