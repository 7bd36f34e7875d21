//! The temperature of the loss, fixed or learned.

use serde::{Deserialize, Serialize};
use softnce_rows::{RowOptimizer, RowOptimizerConfig};

use crate::ClassesError;

/// The temperature of the loss. A learned one is `exp(p)` with a parameter p, trained by AdamW without decay, and kept in
/// `[0.001, 1000]`.
#[derive(Debug, Clone)]
pub struct Temperature {
    value: f64,
    /// `None`: fixed.
    learned: Option<Learned>,
}

#[derive(Debug, Clone)]
struct Learned {
    optimizer: RowOptimizer,
    state: [f32; 2],
}

/// A learned temperature in a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TemperatureState {
    value: f64,
    moments: [f32; 2],
}

const RANGE: [f64; 2] = [1e-3, 1e3];

impl Temperature {
    /// A temperature, learned or not.
    ///
    /// # Errors
    /// A temperature that is not a finite number above 0; one outside `[0.001, 1000]` if it is learned.
    pub fn new(value: f64, learn: bool) -> Result<Self, ClassesError> {
        let [low, high] = RANGE;
        if !(value > 0.0 && value.is_finite()) || (learn && !(low..=high).contains(&value)) {
            return Err(ClassesError::setting(
                "loss.temperature",
                value,
                "a finite number above 0, 0.001 to 1000 if learned",
            ));
        }
        let optimizer = RowOptimizer::new(RowOptimizerConfig::default())?;
        Ok(Temperature { value, learned: learn.then_some(Learned { optimizer, state: [0.0; 2] }) })
    }

    /// The temperature.
    pub fn value(&self) -> f64 {
        self.value
    }

    /// Whether it is learned.
    pub fn is_learned(&self) -> bool {
        self.learned.is_some()
    }

    /// A step with this gradient of the loss with respect to the temperature.
    ///
    /// # Errors
    /// A learning rate out of its range.
    pub fn step(&mut self, gradient: f64, rate: f64) -> Result<(), ClassesError> {
        let Some(Learned { optimizer, state }) = &mut self.learned else { return Ok(()) };
        optimizer.begin_step(rate)?;
        // The chain rule: d exp(p) / dp = exp(p). The step is taken at 0, so that it is not rounded away beside p.
        let mut change = [0.0];
        optimizer.update(&mut change, state, &[(gradient * self.value) as f32])?;
        self.value = (self.value * f64::from(change[0]).exp()).clamp(RANGE[0], RANGE[1]);
        Ok(())
    }

    /// What a checkpoint keeps.
    pub fn state(&self) -> Option<TemperatureState> {
        let learned = self.learned.as_ref()?;
        Some(TemperatureState { value: self.value, moments: learned.state })
    }

    /// The temperature of a checkpoint, after steps with these rates.
    ///
    /// # Errors
    /// A rate out of its range.
    pub fn resume(&mut self, kept: TemperatureState, rates: &[f64]) -> Result<(), ClassesError> {
        if let Some(learned) = &mut self.learned {
            learned.optimizer = RowOptimizer::resumed(*learned.optimizer.config(), rates)?;
            learned.state = kept.moments;
            self.value = kept.value;
        }
        Ok(())
    }
}
