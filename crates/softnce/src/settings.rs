//! What all losses are set up with.

use crate::{Accum, Error, ErrorKind, Instructions, NoiseDistribution, Reduction};

/// Temperature, noise distribution and reduction: what every loss of the family is set up with.
///
/// The losses that are not contrastive have no noise distribution and ignore it, so that the same settings go with
/// each of them.
///
/// ```
/// use softnce::{LossSettings, NoiseDistribution, Reduction};
///
/// let settings = LossSettings::new()
///     .with_temperature(0.5)?
///     .with_noise(NoiseDistribution::from_counts(&[90, 10], 1.0)?)
///     .with_reduction(Reduction::Sum);
/// assert_eq!(settings.temperature(), 0.5);
/// # Ok::<(), softnce::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default, deny_unknown_fields))]
pub struct LossSettings {
    #[cfg_attr(feature = "serde", serde(deserialize_with = "checked_temperature"))]
    temperature: f64,
    noise: NoiseDistribution,
    reduction: Reduction,
    /// `None` takes the widest. Not stored: it is a matter of the machine.
    #[cfg_attr(feature = "serde", serde(skip))]
    instructions: Option<Instructions>,
}

impl Default for LossSettings {
    fn default() -> Self {
        LossSettings {
            temperature: 1.0,
            noise: NoiseDistribution::uniform(),
            reduction: Reduction::Mean,
            instructions: None,
        }
    }
}

impl LossSettings {
    /// Temperature 1, uniform noise, mean over rows.
    pub fn new() -> Self {
        LossSettings::default()
    }

    /// Sets the temperature tau, which divides the logits.
    ///
    /// # Errors
    /// A temperature that is not a finite number above 0.
    pub fn with_temperature(mut self, temperature: f64) -> Result<Self, Error> {
        if !(temperature > 0.0 && temperature.is_finite()) {
            return Err(Error::temperature(temperature));
        }
        self.temperature = temperature;
        Ok(self)
    }

    /// Sets the noise distribution eta of the contrastive losses.
    #[must_use]
    pub fn with_noise(mut self, noise: NoiseDistribution) -> Self {
        self.noise = noise;
        self
    }

    /// Sets how the losses of the rows are put together.
    #[must_use]
    pub fn with_reduction(mut self, reduction: Reduction) -> Self {
        self.reduction = reduction;
        self
    }

    /// Sets which vector instructions the kernels use, for tests and measurements; by default the widest there are.
    ///
    /// # Errors
    /// Instructions that this machine lacks.
    pub fn with_instructions(mut self, instructions: Instructions) -> Result<Self, Error> {
        if !instructions.is_available() {
            let sets = Instructions::available().iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            let expected = format!("instructions available on this CPU: {sets}");
            return Err(Error::new(ErrorKind::Unsupported, "instructions", instructions.to_string(), expected));
        }
        self.instructions = Some(instructions);
        Ok(self)
    }

    /// The temperature tau.
    pub fn temperature(&self) -> f64 {
        self.temperature
    }

    /// Checks that neither the temperature nor its reciprocal is 0 or infinite in the type the scores are computed in, as
    /// every loss does.
    ///
    /// # Errors
    /// [`ErrorKind::Temperature`].
    pub fn check_temperature<A: Accum>(&self) -> Result<(), Error> {
        let rounded = A::of(self.temperature);
        if rounded > A::zero() && rounded.is_finite() && A::of(std::f64::consts::LOG2_E / self.temperature).is_finite()
        {
            Ok(())
        } else {
            Err(Error::temperature(self.temperature))
        }
    }

    /// The vector instructions the kernels use.
    pub fn instructions(&self) -> Instructions {
        self.instructions.unwrap_or_else(Instructions::widest)
    }

    /// The noise distribution eta.
    pub fn noise(&self) -> &NoiseDistribution {
        &self.noise
    }

    /// How the losses of the rows are put together.
    pub fn reduction(&self) -> Reduction {
        self.reduction
    }
}

/// A temperature in a file, with the check of [`LossSettings::with_temperature`].
#[cfg(feature = "serde")]
fn checked_temperature<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let temperature = serde::Deserialize::deserialize(deserializer)?;
    let settings = LossSettings::new().with_temperature(temperature).map_err(<D::Error as serde::de::Error>::custom)?;
    Ok(settings.temperature)
}
