//! The noise distribution of the loss.

use softnce::{NoiseDistribution, NoiseEstimator, Targets};

use crate::ClassesError;

/// The noise distribution of the loss.
#[derive(Debug, Clone)]
pub enum NoiseSource {
    /// Given.
    Fixed(NoiseDistribution),
    /// Estimated from the targets that pass by.
    Estimated(NoiseEstimator),
}

impl NoiseSource {
    /// The noise over some classes, in their order. Takes no time that depends on the number of all classes.
    ///
    /// # Errors
    /// A class that does not exist.
    pub fn over_classes(&self, classes: &[u32]) -> Result<NoiseDistribution, ClassesError> {
        Ok(match self {
            NoiseSource::Fixed(noise) => noise.over_classes(classes)?,
            NoiseSource::Estimated(estimator) => estimator.over_classes(classes)?,
        })
    }

    /// Takes in the targets of a batch.
    ///
    /// # Errors
    /// Targets over another number of classes.
    pub fn observe(&mut self, targets: &Targets<'_>) -> Result<(), ClassesError> {
        match self {
            NoiseSource::Fixed(_) => Ok(()),
            NoiseSource::Estimated(estimator) => Ok(estimator.observe(targets)?),
        }
    }
}
