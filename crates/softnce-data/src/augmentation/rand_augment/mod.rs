//! RandAugment (Cubuk et al., arXiv 1909.13719) in timm's notation and PIL's arithmetic.

mod affine;
mod canvas;
mod enhance;
mod levels;
mod operation;
mod policy;

#[cfg(test)]
mod tests;

use chacha20::ChaCha8Rng;
use rand::RngExt;
use rand_distr::{Distribution, Normal};

use super::{AugmentationError, Interpolation};
pub(super) use canvas::Canvas;
use operation::Operation;
use policy::{Deviation, Policy};

/// A few random operations per picture, drawn with replacement.
#[derive(Debug, Clone)]
pub(super) struct RandAugment {
    policy: Policy,
    noise: Option<Normal<f64>>,
    interpolation: Interpolation,
    /// Level of each channel for pixels from outside the picture.
    fill: Vec<u8>,
}

impl RandAugment {
    /// `text`: such as `rand-m9-mstd0.5-inc1`; `mean`: mean of each channel, which fills pixels from outside the
    /// picture.
    pub(super) fn new(text: &str, interpolation: Interpolation, mean: &[f64]) -> Result<Self, AugmentationError> {
        let policy = Policy::parse(text)?;
        let noise = match policy.deviation {
            Deviation::Normal(deviation) => Normal::new(policy.magnitude, deviation).ok(),
            Deviation::None | Deviation::Uniform => None,
        };
        let fill = mean.iter().map(|mean| (255.0 * mean).round_ties_even().clamp(0.0, 255.0) as u8).collect();
        Ok(RandAugment { policy, noise, interpolation, fill })
    }

    /// Augments a picture in place.
    pub(super) fn apply(&self, canvas: &mut Canvas<'_>, generator: &mut ChaCha8Rng) {
        for _ in 0..self.policy.layers {
            let operation = Operation::ALL[generator.random_range(0..Operation::ALL.len())];
            if self.policy.probability < 1.0 && generator.random::<f64>() > self.policy.probability {
                continue;
            }
            let magnitude = self.magnitude(generator);
            let action = operation.at(magnitude, self.policy.increasing, generator);
            action.apply(canvas, self.interpolation, &self.fill);
        }
    }

    fn magnitude(&self, generator: &mut ChaCha8Rng) -> f64 {
        let magnitude = match (&self.noise, self.policy.deviation) {
            (Some(noise), _) => noise.sample(generator),
            (None, Deviation::Uniform) => generator.random::<f64>() * self.policy.magnitude,
            (None, _) => self.policy.magnitude,
        };
        magnitude.clamp(0.0, self.policy.most)
    }
}
