//! What a loss module is built from.

use burn::config::Config;
use softnce::{LossKind, LossSettings, NoiseDistribution, Reduction};

use crate::Error;

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

/// Configuration of a loss module.
///
/// ```
/// use softnce_burn::{LossConfig, LossKind, LossSettings};
///
/// let settings = LossSettings::new().with_temperature(0.5)?;
/// let config = LossConfig::new(LossKind::SoftTargetInfoNce).with_settings(settings).with_learnable_temperature(true);
/// # Ok::<(), softnce_burn::Error>(())
/// ```
#[derive(Config, Debug)]
pub struct LossConfig {
    /// Which loss.
    pub kind: LossKind,
    /// Temperature (the starting value where it is learned), noise distribution and reduction.
    #[config(default = "LossSettings::new()")]
    pub settings: LossSettings,
    /// Whether the temperature is a parameter. It is kept as its logarithm, so it stays above 0.
    #[config(default = "false")]
    pub learnable_temperature: bool,
    /// Which implementation computes the loss.
    #[config(default = "ComputePath::Auto")]
    pub path: ComputePath,
    /// Whether the tensor operations check values: finite logits, temperature and loss, labels in range, probabilities
    /// that sum to 1. Each check waits for the device. Without checks nothing waits for it, except that InfoNCE and NLL
    /// read dense targets back to find their hard labels; a label out of range then gives an undefined result. The
    /// kernels always check.
    #[config(default = "true")]
    pub check_values: bool,
    /// Whether the kernels search dense rows for the compact form: rows in which all but a few classes share one value, as
    /// MixUp makes them. Such rows run on a much shorter path, with the same result ([`softnce::Targets::dense`]).
    #[config(default = "true")]
    pub recognise: bool,
}

impl LossConfig {
    /// Sets the temperature of the settings, which divides the logits.
    ///
    /// # Errors
    /// As [`LossSettings::with_temperature`].
    pub fn with_temperature(mut self, temperature: f64) -> Result<Self, Error> {
        self.settings = self.settings.with_temperature(temperature)?;
        Ok(self)
    }

    /// Sets the noise distribution of the settings.
    #[must_use]
    pub fn with_noise(mut self, noise: NoiseDistribution) -> Self {
        self.settings = self.settings.with_noise(noise);
        self
    }

    /// Sets the reduction of the settings.
    #[must_use]
    pub fn with_reduction(mut self, reduction: Reduction) -> Self {
        self.settings = self.settings.with_reduction(reduction);
        self
    }
}
