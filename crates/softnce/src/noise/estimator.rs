//! The noise distribution estimated on a stream of batches.

use ndarray::Array1;

use super::NoiseDistribution;
use crate::targets::check_classes;
use crate::{Error, Targets};

/// Estimates the noise distribution from the targets of the batches that pass by.
///
/// Keeps the weight of each class, `n <- decay n + sum_j W_j`; [`NoiseEstimator::distribution`] is
/// `(n + smoothing) / sum (n + smoothing)`. With decay 1 every batch counts the same; below 1 the estimate follows
/// drifting data.
///
/// ```
/// use softnce::{NoiseEstimator, Targets};
///
/// let mut estimator = NoiseEstimator::new(3, 1.0, 1.0)?;
/// estimator.observe(&Targets::hard(&[0, 0, 1], 3)?)?;
/// let noise = estimator.distribution()?.probabilities(3)?;
/// assert!((noise[2] - 1.0 / 6.0).abs() < 1e-12);
/// # Ok::<(), softnce::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct NoiseEstimator {
    mass: Array1<f64>,
    smoothing: f64,
    decay: f64,
}

impl NoiseEstimator {
    /// An estimator that has seen nothing: its distribution is uniform.
    ///
    /// # Errors
    /// No classes, or more than 32 bits index; a smoothing that is not a finite number above 0; a decay outside `(0, 1]`.
    pub fn new(classes: usize, smoothing: f64, decay: f64) -> Result<Self, Error> {
        if classes == 0 {
            return Err(Error::empty("classes", &[0]));
        }
        check_classes(classes)?;
        if !(smoothing > 0.0 && smoothing.is_finite()) {
            return Err(Error::range("smoothing", smoothing, "a finite number above 0"));
        }
        if !(decay > 0.0 && decay <= 1.0) {
            return Err(Error::range("decay", decay, "a number above 0, at most 1"));
        }
        Ok(NoiseEstimator { mass: Array1::zeros(classes), smoothing, decay })
    }

    /// Takes in the targets of a batch.
    ///
    /// # Errors
    /// Targets over another number of classes.
    pub fn observe(&mut self, targets: &Targets<'_>) -> Result<(), Error> {
        let classes = self.mass.len();
        if targets.classes() != classes {
            let found = [targets.len(), targets.classes()];
            return Err(Error::shape("targets", &found, format!("[M, {classes}]")));
        }
        self.mass *= self.decay;
        self.mass += &targets.class_mass();
        Ok(())
    }

    /// The estimate so far.
    ///
    /// # Errors
    /// A total that left the range of `f64`.
    pub fn distribution(&self) -> Result<NoiseDistribution, Error> {
        NoiseDistribution::from_counts(&self.mass, self.smoothing)
    }
}
