//! Optimisers that touch only the rows with a gradient, and equal the ordinary ones.
//!
//! An ordinary optimiser changes every row in every step: momentum goes on, weight decay shrinks. Here a row that has no
//! gradient is left alone, together with the number of the step that touched it last. When it is needed again,
//! [`RowOptimizer::catch_up`] makes all steps without gradient that it missed at once.
//!
//! | optimiser | state of a row of D values | catching up k steps |
//! | --- | --- | --- |
//! | SGD with momentum | D | a linear map of weights and momentum, O(log k) for its four factors, then O(D) |
//! | AdamW | 2 D | a sum over the steps in which the momentum lasts, at most a few hundred, O(D) each |
//! | row-wise Adagrad | 1 | the product of the decays, O(1), then O(D) |

mod adagrad;
mod adamw;
mod config;
mod sgd;
mod steps;
#[cfg(test)]
mod tests;

pub use config::RowOptimizerConfig;

use crate::RowsError;
use steps::Steps;

/// An optimiser of rows, with the learning rates of the steps so far.
///
/// ```
/// use softnce_rows::{RowOptimizer, RowOptimizerConfig};
///
/// let mut optimizer = RowOptimizer::new(RowOptimizerConfig::default())?;
/// let (mut weights, mut last) = (vec![1.0; 4], 0);
/// let mut state = vec![0.0; optimizer.state_width(4)];
/// for rate in [0.1, 0.2, 0.3] {
///     optimizer.begin_step(rate)?;
/// }
/// // The row had a gradient in none of the first two steps; now it has one.
/// optimizer.catch_up(last, 2, &mut weights, &mut state)?;
/// optimizer.update(&mut weights, &mut state, &[0.5; 4])?;
/// last = optimizer.steps();
/// assert_eq!(last, 3);
/// # Ok::<(), softnce_rows::RowsError>(())
/// ```
#[derive(Debug, Clone)]
pub struct RowOptimizer {
    config: RowOptimizerConfig,
    steps: Steps,
}

impl RowOptimizer {
    /// An optimiser before its first step.
    ///
    /// # Errors
    /// The first setting out of its range.
    pub fn new(config: RowOptimizerConfig) -> Result<Self, RowsError> {
        config.check()?;
        Ok(RowOptimizer { config, steps: Steps::default() })
    }

    /// An optimiser after steps with these learning rates, those that [`RowOptimizer::rates`] returned.
    ///
    /// # Errors
    /// A setting, or a rate, out of its range.
    pub fn resumed(config: RowOptimizerConfig, rates: &[f64]) -> Result<Self, RowsError> {
        let mut optimizer = RowOptimizer::new(config)?;
        rates.iter().try_for_each(|&rate| optimizer.begin_step(rate))?;
        Ok(optimizer)
    }

    /// The settings.
    pub fn config(&self) -> &RowOptimizerConfig {
        &self.config
    }

    /// Values of state for a row of this width. A new row's state is 0.
    pub fn state_width(&self, width: usize) -> usize {
        match self.config {
            RowOptimizerConfig::Sgd { momentum: 0.0, .. } => 0,
            RowOptimizerConfig::Sgd { .. } => width,
            RowOptimizerConfig::Adamw { .. } => 2 * width,
            RowOptimizerConfig::Adagrad { .. } => 1,
        }
    }

    /// Whether a row changes in steps in which it has no gradient.
    pub(crate) fn moves_idle_rows(&self) -> bool {
        match self.config {
            RowOptimizerConfig::Sgd { momentum, weight_decay, .. } => momentum > 0.0 || weight_decay > 0.0,
            RowOptimizerConfig::Adamw { .. } => true,
            RowOptimizerConfig::Adagrad { weight_decay, .. } => weight_decay > 0.0,
        }
    }

    /// Number of steps that were begun.
    pub fn steps(&self) -> u32 {
        self.steps.count()
    }

    /// The learning rates of the steps, in their order: with them [`RowOptimizer::resumed`] goes on.
    pub fn rates(&self) -> &[f64] {
        self.steps.rates()
    }

    /// Begins a step with this learning rate.
    ///
    /// # Errors
    /// A rate that is negative or not finite, or so large that weight decay would turn weights round; more steps than 32
    /// bits count.
    pub fn begin_step(&mut self, rate: f64) -> Result<(), RowsError> {
        let decay = self.config.decay();
        if !(rate >= 0.0 && rate.is_finite() && rate * decay < 1.0) {
            let expected =
                format!("a finite number not below 0, whose product with the weight decay {decay} is below 1");
            return Err(RowsError::argument("learning rate", rate, expected));
        }
        if self.steps.count() == u32::MAX {
            return Err(RowsError::argument("steps", u64::from(u32::MAX) + 1, "at most 4,294,967,295"));
        }
        self.steps.push(rate, &self.config);
        Ok(())
    }

    /// Makes the steps without gradient from the one after `last` up to `until`: the row is then as after step `until`
    /// of an optimiser that changes every row in every step, up to rounding.
    ///
    /// # Shapes
    /// `weights`: `[width]`; `state`: `[state_width(width)]`.
    ///
    /// # Errors
    /// A state of another length; steps that were not begun, or `last` after `until`.
    pub fn catch_up(&self, last: u32, until: u32, weights: &mut [f32], state: &mut [f32]) -> Result<(), RowsError> {
        self.check(weights, state)?;
        if until > self.steps() || last > until {
            let expected = format!("steps in this order, at most {}", self.steps());
            return Err(RowsError::argument("last, until", format!("{last}, {until}"), expected));
        }
        if last == until {
            return Ok(());
        }
        match self.config {
            RowOptimizerConfig::Sgd { .. } => sgd::catch_up(&self.steps, last, until, weights, state),
            RowOptimizerConfig::Adamw { betas, epsilon, .. } => {
                adamw::catch_up(&self.steps, (betas, epsilon), last, until, weights, state);
            }
            RowOptimizerConfig::Adagrad { .. } => adagrad::catch_up(&self.steps, last, until, weights),
        }
        Ok(())
    }

    /// The step that was begun last, on a row that was caught up to the step before it.
    ///
    /// # Shapes
    /// `weights` and `gradient`: `[width]`; `state`: `[state_width(width)]`.
    ///
    /// # Errors
    /// A length that differs; no step that was begun.
    pub fn update(&self, weights: &mut [f32], state: &mut [f32], gradient: &[f32]) -> Result<(), RowsError> {
        self.check(weights, state)?;
        if gradient.len() != weights.len() {
            let expected = format!("[{}], as the weights", weights.len());
            return Err(RowsError::argument("gradient", format!("[{}]", gradient.len()), expected));
        }
        if self.steps() == 0 {
            return Err(RowsError::argument("steps", 0, "a step that was begun"));
        }
        match self.config {
            RowOptimizerConfig::Sgd { momentum, nesterov, weight_decay } => {
                sgd::update(self.steps.last_rate(), (momentum, nesterov, weight_decay), weights, state, gradient);
            }
            RowOptimizerConfig::Adamw { betas, epsilon, weight_decay } => {
                adamw::update(&self.steps, (betas, epsilon, weight_decay), weights, state, gradient);
            }
            RowOptimizerConfig::Adagrad { epsilon, weight_decay } => {
                adagrad::update(self.steps.last_rate(), (epsilon, weight_decay), weights, state, gradient);
            }
        }
        Ok(())
    }

    fn check(&self, weights: &[f32], state: &[f32]) -> Result<(), RowsError> {
        match self.state_width(weights.len()) {
            expected if expected == state.len() => Ok(()),
            expected => {
                let expected = format!("[{expected}] for {} weights", weights.len());
                Err(RowsError::argument("state", format!("[{}]", state.len()), expected))
            }
        }
    }
}
