//! Which trainings the study takes.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use softnce::LossKind;

use super::estimator::{Candidates, Estimator};
use super::trial::{Setting, Training};
use crate::StudyError;

/// The settings of the study.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToyConfig {
    /// Seeds that each setting is trained from.
    pub seeds: u64,
    /// Numbers of training samples that the error is drawn over.
    pub samples: Vec<usize>,
    /// Numbers of candidates that the error is drawn over.
    pub candidates: Vec<usize>,
    /// How each network is trained.
    pub training: Training,
}

impl Default for ToyConfig {
    fn default() -> Self {
        ToyConfig {
            seeds: 10,
            samples: vec![256, 1024, 4096, 16_384, 65_536],
            candidates: vec![2, 8, 32, 128, 512, 4096],
            training: Training::default(),
        }
    }
}

/// Classes that the study is run with.
pub(crate) const CLASSES: [usize; 2] = [2, 3];

/// The estimators that are compared side by side.
pub(crate) const COMPARED: [Estimator; 6] = [
    Estimator::with(Candidates::Density),
    Estimator::in_batch(LossKind::SoftTargetInfoNce),
    Estimator::in_batch(LossKind::SoftTargetCrossEntropy),
    Estimator::in_batch(LossKind::SoftDistributionInfoNce),
    Estimator::in_batch(LossKind::InfoNce),
    Estimator::in_batch(LossKind::Nll),
];

/// Unbalanced noise, with the loss knowing its distribution and not.
pub(crate) const UNBALANCED: [Estimator; 2] =
    [Estimator::with(Candidates::Skewed), Estimator { corrected: false, ..Estimator::with(Candidates::Skewed) }];

/// Noise whose number of candidates is varied.
pub(crate) const COUNTED: [Estimator; 2] =
    [Estimator::with(Candidates::Density), Estimator::with(Candidates::Training)];

impl ToyConfig {
    /// Training samples of the figures that do not vary them.
    pub(crate) fn usual_samples(&self) -> usize {
        self.samples.iter().copied().max().unwrap_or(1)
    }

    /// Of one estimator as it stands in the figures that do not vary it.
    pub(crate) fn usual(&self, classes: usize, estimator: Estimator) -> Setting {
        Setting { classes, estimator, samples: self.usual_samples(), candidates: self.training.batch }
    }

    /// Every setting, each once.
    pub(crate) fn settings(&self) -> Vec<Setting> {
        let mut settings = BTreeSet::new();
        for classes in CLASSES {
            settings.extend(COMPARED.map(|estimator| self.usual(classes, estimator)));
        }
        settings.extend(UNBALANCED.map(|estimator| self.usual(2, estimator)));
        for &samples in &self.samples {
            settings.extend(COMPARED.map(|estimator| Setting { samples, ..self.usual(2, estimator) }));
        }
        for &candidates in &self.candidates {
            settings.extend(COUNTED.map(|estimator| Setting { candidates, ..self.usual(2, estimator) }));
        }
        settings.into_iter().collect()
    }

    /// Refuses what cannot be run.
    ///
    /// # Errors
    /// [`StudyError::Argument`] for the first setting out of its range.
    pub fn check(&self) -> Result<(), StudyError> {
        let Training { hidden, batch, steps, rate, weight_decay } = &self.training;
        let within = |argument, values: &[usize], low, high, expected| {
            let bad = values.iter().find(|value| !(low..=high).contains(*value));
            bad.map_or(Ok(()), |value| Err(StudyError::argument(argument, value, expected)))
        };
        let seeds = usize::try_from(self.seeds).unwrap_or(usize::MAX);
        within("seeds", &[seeds], 1, 10_000, "from 1 to 10,000")?;
        within("samples", &[self.samples.len()], 1, 100, "from 1 to 100 numbers")?;
        within("samples", &self.samples, 2, 1 << 24, "from 2 to 2^24")?;
        within("candidates", &[self.candidates.len()], 1, 100, "from 1 to 100 numbers")?;
        within("candidates", &self.candidates, 2, 1 << 16, "from 2 to 65,536")?;
        within("hidden", hidden, 1, 4096, "widths from 1 to 4,096")?;
        within("batch", &[*batch], 2, 1 << 16, "from 2 to 65,536")?;
        within("steps", &[*steps], 1, 1 << 24, "from 1 to 2^24")?;
        for (argument, value, least) in [("rate", *rate, f64::MIN_POSITIVE), ("weight_decay", *weight_decay, 0.0)] {
            if !(least..=1e3).contains(&value) {
                let expected = if least > 0.0 { "above 0, at most 1,000" } else { "from 0 to 1,000" };
                return Err(StudyError::argument(argument, value, expected));
            }
        }
        Ok(())
    }
}
