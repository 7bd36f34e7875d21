//! The noise distribution over classes.

mod estimator;
#[cfg(feature = "serde")]
mod stored;

use std::sync::Arc;

use ndarray::{Array1, ArrayView1};
use num_traits::ToPrimitive;

pub use estimator::NoiseEstimator;

use crate::targets::{CLASS_INDICES, check_classes};
use crate::{Error, Targets};

/// How far the sum of given noise probabilities may be from 1.
pub const NOISE_TOLERANCE: f64 = 1e-4;

/// What a noise probability, or a count with its smoothing, must be.
const UNSEEN: &str = "a finite number above 0 (smooth the counts of unseen classes)";

/// The noise distribution eta over d classes: where the candidates come from.
///
/// Its logarithm is taken off the scores, `S = Z / tau - log eta`. Left out (uniform), a classifier trained with hard
/// targets is balanced: it learns the classes' likelihoods, as balanced softmax does. With the classes' own
/// frequencies it learns the posterior, as cross-entropy does. [`NoiseDistribution::powered`] spans the two.
///
/// ```
/// use softnce::NoiseDistribution;
///
/// let counts = [700, 290, 10, 0];
/// let noise = NoiseDistribution::from_counts(&counts, NoiseDistribution::DEFAULT_SMOOTHING)?.powered(0.5)?;
/// assert_eq!(noise.classes(), Some(4));
/// # Ok::<(), softnce::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NoiseDistribution {
    /// `None` is uniform, for any number of classes.
    log_probabilities: Option<Arc<[f64]>>,
}

impl NoiseDistribution {
    /// Additive smoothing of counts where the user names none: one imagined example of every class (Laplace).
    pub const DEFAULT_SMOOTHING: f64 = 1.0;

    /// Uniform noise, for any number of classes. It changes neither the loss nor its gradient.
    pub fn uniform() -> Self {
        NoiseDistribution::default()
    }

    /// `eta_k = (n_k + smoothing) / sum (n + smoothing)`.
    ///
    /// # Shapes
    /// `counts`: `[d]`, integers or floats.
    ///
    /// # Errors
    /// No counts; a smoothing that is negative or not finite; a count plus smoothing that is not finite and above 0.
    pub fn from_counts<'a, C: ToPrimitive + 'a>(
        counts: impl Into<ArrayView1<'a, C>>,
        smoothing: f64,
    ) -> Result<Self, Error> {
        if !(smoothing >= 0.0 && smoothing.is_finite()) {
            return Err(Error::range("smoothing", smoothing, "a finite number not below 0"));
        }
        let counts = counts.into().map(|count| count.to_f64().unwrap_or(f64::NAN));
        // Checked before the smoothing too: it must not hide a negative count.
        if let Some((class, &value)) = counts.iter().enumerate().find(|(_, count)| count.is_nan() || **count < 0.0) {
            return Err(Error::range("counts", value, UNSEEN).at([class]));
        }
        Self::normalised("counts", counts + smoothing)
    }

    /// From probabilities.
    ///
    /// # Shapes
    /// `probabilities`: `[d]`.
    ///
    /// # Errors
    /// No probabilities; one that is not a finite number above 0; a sum further than [`NOISE_TOLERANCE`] from 1.
    pub fn from_probabilities<'a, P: ToPrimitive + 'a>(
        probabilities: impl Into<ArrayView1<'a, P>>,
    ) -> Result<Self, Error> {
        let probabilities = probabilities.into().map(|p| p.to_f64().unwrap_or(f64::NAN));
        let sum = probabilities.sum();
        let noise = Self::normalised("noise probabilities", probabilities)?;
        if (sum - 1.0).abs() > NOISE_TOLERANCE {
            return Err(Error::sum("noise probabilities", sum, format!("1 within {NOISE_TOLERANCE}")));
        }
        Ok(noise)
    }

    /// The distribution proportional to `eta^alpha`.
    ///
    /// For hard targets and eta the class frequencies, alpha 1 gives gradients like cross-entropy's and alpha 0 like
    /// balanced softmax's; a negative alpha turns the distribution round.
    ///
    /// # Errors
    /// An alpha that is not finite, or so large that a probability underflows.
    pub fn powered(&self, alpha: f64) -> Result<Self, Error> {
        let setting = |expected: &'static str| Error::range("alpha", alpha, expected);
        if !alpha.is_finite() {
            return Err(setting("a finite number"));
        }
        let Some(log_probabilities) = &self.log_probabilities else { return Ok(self.clone()) };
        let scaled: Array1<f64> = log_probabilities.iter().map(|log_p| alpha * log_p).collect();
        let log_sum = log_sum_exp(scaled.view());
        let powered = scaled - log_sum;
        if powered.iter().any(|log_p| log_p.exp() == 0.0 || log_p.is_nan()) {
            return Err(setting("a power that keeps every probability above 0"));
        }
        Ok(NoiseDistribution { log_probabilities: Some(powered.to_vec().into()) })
    }

    /// The distribution of a class that is known to be one of these, in their order.
    ///
    /// # Errors
    /// No classes; a class that the distribution has not got.
    pub fn over_classes(&self, class_indices: &[u32]) -> Result<Self, Error> {
        let Some(log_probabilities) = &self.log_probabilities else { return Ok(self.clone()) };
        if class_indices.is_empty() {
            return Err(Error::empty(CLASS_INDICES, &[0]));
        }
        let mut logs = Array1::zeros(class_indices.len());
        for (row, (log_p, &label)) in logs.iter_mut().zip(class_indices).enumerate() {
            let missing = || Error::index_of(CLASS_INDICES, "class", label, log_probabilities.len()).at([row]);
            *log_p = *log_probabilities.get(label as usize).ok_or_else(missing)?;
        }
        let log_sum = log_sum_exp(logs.view());
        Ok(NoiseDistribution { log_probabilities: Some((logs - log_sum).to_vec().into()) })
    }

    /// Number of classes d; `None` where the noise is uniform for any number.
    pub fn classes(&self) -> Option<usize> {
        self.log_probabilities.as_deref().map(<[f64]>::len)
    }

    /// The logarithms of the probabilities; `None` where the noise is uniform for any number of classes. Shape `[d]`.
    pub fn log_probabilities(&self) -> Option<ArrayView1<'_, f64>> {
        self.log_probabilities.as_deref().map(ArrayView1::from)
    }

    /// The probabilities over `classes` classes. Shape `[d]`.
    ///
    /// # Errors
    /// A number of classes that is not the distribution's own.
    pub fn probabilities(&self, classes: usize) -> Result<Array1<f64>, Error> {
        self.check_classes(classes)?;
        check_classes(classes)?;
        Ok(match &self.log_probabilities {
            Some(log_probabilities) => log_probabilities.iter().map(|log_p| log_p.exp()).collect(),
            None => Array1::from_elem(classes, 1.0 / classes as f64),
        })
    }

    /// Checks that the distribution goes with `classes` classes, as every contrastive loss does.
    ///
    /// # Errors
    /// A number of classes that is not the distribution's own.
    pub fn check_classes(&self, classes: usize) -> Result<(), Error> {
        match self.classes() {
            Some(found) if found != classes => {
                let expected = format!("[{classes}], as the logits have {classes} classes");
                Err(Error::shape("noise distribution", &[found], expected))
            }
            _ => Ok(()),
        }
    }

    fn normalised(argument: &'static str, masses: Array1<f64>) -> Result<Self, Error> {
        if masses.is_empty() {
            return Err(Error::empty(argument, &[0]));
        }
        if let Some((class, &value)) = masses.iter().enumerate().find(|(_, mass)| !(mass.is_finite() && **mass > 0.0)) {
            return Err(Error::range(argument, value, UNSEEN).at([class]));
        }
        let logs = masses.ln();
        let log_sum = log_sum_exp(logs.view());
        let log_probabilities = logs - log_sum;
        if let Some(class) = log_probabilities.iter().position(|log_p| log_p.exp() == 0.0) {
            // So small beside the others that its share underflows.
            return Err(Error::range(argument, masses[class], UNSEEN).at([class]));
        }
        Ok(NoiseDistribution { log_probabilities: Some(log_probabilities.to_vec().into()) })
    }
}

/// The noise distribution of a training set given as targets, with [`NoiseDistribution::DEFAULT_SMOOTHING`].
impl TryFrom<&Targets<'_>> for NoiseDistribution {
    type Error = Error;

    fn try_from(targets: &Targets<'_>) -> Result<Self, Error> {
        Self::from_counts(&targets.class_mass(), Self::DEFAULT_SMOOTHING)
    }
}

fn log_sum_exp(values: ArrayView1<'_, f64>) -> f64 {
    let max = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    max + values.iter().map(|value| (value - max).exp()).sum::<f64>().ln()
}
