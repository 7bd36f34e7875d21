//! The noise distribution estimated on a stream of batches.

use ndarray::Array1;

use super::NoiseDistribution;
use crate::targets::{CLASS_INDICES, check_classes};
use crate::{Error, Targets};

/// Below this scale the entries are brought to scale 1, long before they leave the range of `f64`.
const LEAST_SCALE: f64 = 1e-100;

/// Estimates the noise distribution from the targets of the batches that pass by.
///
/// Keeps the weight of each class, `n <- decay n + sum_j W_j`; [`NoiseEstimator::distribution`] is
/// `(n + smoothing) / sum (n + smoothing)`. With decay 1 every batch counts the same; below 1 the estimate follows
/// drifting data. Neither [`NoiseEstimator::observe`] nor [`NoiseEstimator::over_classes`] takes time that depends on
/// the number of classes (dense targets excepted), so that it serves millions of classes.
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
    /// The weight of each class, divided by `scale`, without `uniform`. Shape `[d]`.
    mass: Array1<f64>,
    /// What all classes have in common, divided by `scale`.
    uniform: f64,
    /// The factor of `mass` and `uniform`: a decay changes it, and not each class.
    scale: f64,
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
        Ok(NoiseEstimator { mass: Array1::zeros(classes), uniform: 0.0, scale: 1.0, smoothing, decay })
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
        self.scale *= self.decay;
        if self.scale < LEAST_SCALE {
            self.mass *= self.scale;
            self.uniform *= self.scale;
            self.scale = 1.0;
        }
        self.uniform += targets.add_class_mass(&mut self.mass, 1.0 / self.scale);
        Ok(())
    }

    /// The estimate so far.
    ///
    /// # Errors
    /// A total that left the range of `f64`.
    pub fn distribution(&self) -> Result<NoiseDistribution, Error> {
        NoiseDistribution::from_counts(&self.mass.mapv(|mass| self.weight(mass)), self.smoothing)
    }

    /// The estimate so far of the distribution of a class that is known to be one of these, in their order: that of
    /// [`NoiseDistribution::over_classes`].
    ///
    /// # Errors
    /// No classes; a class that there is not; a total that left the range of `f64`.
    pub fn over_classes(&self, class_indices: &[u32]) -> Result<NoiseDistribution, Error> {
        let mut weights = Array1::zeros(class_indices.len());
        for (row, (weight, &class)) in weights.iter_mut().zip(class_indices).enumerate() {
            let missing = || Error::index_of(CLASS_INDICES, "class", class, self.mass.len()).at([row]);
            *weight = self.weight(*self.mass.get(class as usize).ok_or_else(missing)?);
        }
        NoiseDistribution::from_counts(&weights, self.smoothing)
    }

    /// The weight of a class, from its entry.
    fn weight(&self, mass: f64) -> f64 {
        // Rounding may bring a class below the uniform share under 0.
        (self.scale * (mass + self.uniform)).max(0.0)
    }
}
