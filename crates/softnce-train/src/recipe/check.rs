//! Values out of range, found before anything is read or trained.

use softnce::NoiseDistribution;
use softnce_data::augmentation::{Augmentation, AugmentationError};
use softnce_data::candidates::CandidateError;
use softnce_data::mixing::{Mixing, MixingConfig, MixingError};
use softnce_data::sets::Split;
use softnce_nn::models::{NetworkConfig, NetworkError};

use super::{Recipe, RecipeError};

/// Larger values are taken for typing errors.
const MAX_BATCH: usize = 1 << 20;
const MAX_EPOCHS: usize = 1_000_000;
const MAX_SEEDS: u64 = 1000;
/// Beyond this only rare classes count.
const MAX_ADJUSTMENT: f64 = 100.0;
/// Beyond these the scores of ordinary logits leave the range or the precision of f32.
const TEMPERATURES: std::ops::RangeInclusive<f64> = 1e-6..=1e6;

impl Recipe {
    /// Checks all values that can be checked without the data.
    ///
    /// # Errors
    /// [`RecipeError::Value`] with the key, the value and its range.
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
        let Some(grid) = self.weights.as_ref().and_then(|weights| weights.grid) else { return Ok(()) };
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
                    refuse(argument, value, format!("a number from 1 to {most}"))
                }
                other => refuse("candidates", "refused", other),
            };
        }
        if let Err(error) = Augmentation::new(self.augmentation.clone()) {
            return match error {
                AugmentationError::Setting { argument, value, expected } => {
                    refuse(format!("augmentation.{argument}"), value, expected)
                }
                AugmentationError::RandAugment { text, section, expected } => {
                    let expected = format!("{expected} in the place of \"{section}\"");
                    refuse("augmentation.train.rand_augment", format!("\"{text}\""), expected)
                }
                AugmentationError::Exclusive { first, second } => {
                    refuse(format!("augmentation.{first}"), format!("set beside {second}"), "at most one of them")
                }
                other => refuse("augmentation", "refused", other),
            };
        }
        if let Some(mixing) = &self.mixing
            && let Err(error) = Mixing::new(mixing.clone())
        {
            return match error {
                MixingError::Setting { argument, value, expected } => {
                    refuse(format!("mixing.{argument}"), value, expected)
                }
                other => refuse("mixing", "refused", other),
            };
        }
        // The number of classes, which only the data tells, is checked when the network is built.
        match self.network.check(self.input_shape(), 2) {
            Err(NetworkError::Argument { argument, value, expected }) if argument.starts_with("input") => {
                refuse("augmentation.size", format!("{value} for the {argument}"), expected)
            }
            Err(NetworkError::Argument { argument, value, expected }) => {
                refuse(format!("network.{argument}"), value, expected)
            }
            Err(other) => refuse("network", "refused", other),
            Ok(()) => Ok(()),
        }
    }

    fn check_loss(&self) -> Result<(), RecipeError> {
        let loss = &self.loss;
        if !TEMPERATURES.contains(&loss.temperature) {
            return refuse("loss.temperature", loss.temperature, "a number from 0.000001 to 1000000");
        }
        if let Err(error) = NoiseDistribution::uniform().powered(loss.alpha) {
            return refuse("loss.alpha", loss.alpha, error);
        }
        let adjustment = loss.logit_adjustment;
        if !(0.0..=MAX_ADJUSTMENT).contains(&adjustment) {
            return refuse("loss.logit_adjustment", adjustment, format!("a number from 0 to {MAX_ADJUSTMENT}"));
        }
        if adjustment > 0.0 && loss.learn_temperature {
            return refuse("loss.logit_adjustment", adjustment, "0 where the temperature is learned");
        }
        Ok(())
    }

    /// Batches in which a picture is alone, and targets that are all the same.
    fn check_batch(&self) -> Result<(), RecipeError> {
        let mixing = self.mixing.as_ref();
        if let Some(smoothing) = mixing.map(|mixing| mixing.smoothing).filter(|&smoothing| smoothing == 1.0) {
            return refuse("mixing.smoothing", smoothing, "below 1: all targets would be the uniform distribution");
        }
        if self.training.batch_size > 1 {
            return Ok(());
        }
        if self.loss.kind.is_contrastive() && !self.candidates.beyond_batch() {
            let expected = "at least 2: the candidates of a picture come from its batch, and with no other the loss is \
                            always 0; or add some (candidates.kind = \"queue\" or \"draws\")";
            return refuse("training.batch_size", 1, expected);
        }
        if self.loss.kind.takes_soft_targets() && mixing.is_some_and(MixingConfig::mixes) {
            let expected = "at least 2: mixing.mixup and mixing.cutmix mix the pictures of a batch with each other";
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
        if data.train_part != Split::Train && data.test_share.is_none() {
            return refuse("data.test_share", "absent", "a share where the part for training is not trained on");
        }
        if data.max_pixels == 0 {
            return refuse("data.max_pixels", 0, "a number above 0");
        }
        if data.validation_share == 0.0
            && let Some(patience) = self.training.patience
        {
            let expected = "none where no pictures are held out: the test pictures would end the training";
            return refuse("training.patience", patience, expected);
        }
        if data.validation_share == 0.0 && self.evaluation.best {
            let expected =
                "false where no pictures are held out: the test pictures would choose the epoch that they test";
            return refuse("evaluation.best", true, expected);
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
                return refuse(key, value, format!("a number from 1 to {most}"));
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
        let mut known = Vec::new();
        for loss in &compare.losses {
            if known.contains(loss) {
                return refuse("compare.losses", loss, "each loss once");
            }
            known.push(*loss);
        }
        if compare.losses.is_empty() {
            return refuse("compare.losses", "empty", "at least one loss");
        }
        for (key, value) in [("compare.seeds", compare.seeds), ("compare.tuning_seeds", compare.tuning_seeds)] {
            if !(1..=MAX_SEEDS).contains(&value) {
                return refuse(key, value, format!("a number from 1 to {MAX_SEEDS}"));
            }
        }
        if let Some(rate) = compare.learning_rates.iter().find(|rate| !(**rate > 0.0 && rate.is_finite())) {
            return refuse("compare.learning_rates", rate, "finite numbers above 0");
        }
        if let Some(rate) = compare.learning_rates.iter().find(|rate| **rate < self.schedule.minimum_rate) {
            let expected = format!("not below schedule.minimum_rate, {}", self.schedule.minimum_rate);
            return refuse("compare.learning_rates", rate, expected);
        }
        let mut rates = compare.learning_rates.clone();
        rates.sort_by(f64::total_cmp);
        rates.dedup();
        if rates.len() != compare.learning_rates.len() {
            let rates: Vec<String> = compare.learning_rates.iter().map(f64::to_string).collect();
            return refuse("compare.learning_rates", rates.join(", "), "each rate once");
        }
        Ok(())
    }
}

fn refuse(
    key: impl Into<String>,
    value: impl std::fmt::Display,
    expected: impl std::fmt::Display,
) -> Result<(), RecipeError> {
    Err(RecipeError::Value { place: None, key: key.into(), value: value.to_string(), expected: expected.to_string() })
}
