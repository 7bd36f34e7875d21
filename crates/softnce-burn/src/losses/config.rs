//! What a loss module is built from.

use burn::config::Config;
use softnce::{LossKind, LossSettings, NoiseDistribution, Reduction};

use crate::Error;

/// Where the noise distribution comes from.
#[derive(Config, Debug, PartialEq)]
pub enum Noise {
    /// Uniform over the classes.
    Uniform,
    /// From class counts, each with this additive smoothing.
    Counts {
        /// Examples of each class. Shape `[d]`.
        counts: Vec<f64>,
        /// Added to every count, so that a class never seen stays finite.
        smoothing: f64,
    },
    /// From probabilities. Shape `[d]`.
    Probabilities(Vec<f64>),
}

/// Which implementation computes the loss.
#[derive(Config, Copy, Debug, PartialEq, Eq)]
pub enum ComputePath {
    /// The kernels on the CPU device, tensor operations on every other.
    Auto,
    /// The kernels of the core crate; the CPU device only.
    Kernel,
    /// Tensor operations, on any device.
    Tensor,
}

/// Configuration of a loss chosen by name.
#[derive(Config, Debug)]
pub struct LossConfig {
    /// Which loss.
    pub kind: LossKind,
    /// Temperature tau, which divides the logits; the starting value where it is learned.
    #[config(default = "1.0")]
    pub temperature: f64,
    /// Whether the temperature is a parameter. It is kept as its logarithm, so it stays above 0.
    #[config(default = "false")]
    pub learnable_temperature: bool,
    /// Noise distribution of the contrastive losses.
    #[config(default = "Noise::Uniform")]
    pub noise: Noise,
    /// Power of the noise distribution: 1 as it is, 0 uniform.
    #[config(default = "1.0")]
    pub alpha: f64,
    /// How the losses of the rows are put together.
    #[config(default = "Reduction::Mean")]
    pub reduction: Reduction,
    /// Which implementation computes the loss.
    #[config(default = "ComputePath::Auto")]
    pub path: ComputePath,
    /// Whether tensor operations look for values that are not finite or off the simplex. Each look waits for the
    /// device: one for the logits and the loss, one for each dense target tensor. The kernels always look.
    #[config(default = "true")]
    pub check_values: bool,
    /// Whether the kernels look whether dense rows hold no more than a floor and a few classes, as those of MixUp do: such
    /// rows run on their much shorter path, with the same result ([`softnce::Targets::dense`]).
    #[config(default = "true")]
    pub recognise: bool,
}

impl LossConfig {
    /// The core crate's settings.
    pub(super) fn settings(&self) -> Result<LossSettings, Error> {
        let noise = match &self.noise {
            Noise::Uniform => NoiseDistribution::uniform(),
            Noise::Counts { counts, smoothing } => NoiseDistribution::from_counts(counts, *smoothing)?,
            Noise::Probabilities(probabilities) => NoiseDistribution::from_probabilities(probabilities)?,
        };
        let settings = LossSettings::new().with_temperature(self.temperature)?.with_reduction(self.reduction);
        Ok(settings.with_noise(noise.powered(self.alpha)?))
    }
}
