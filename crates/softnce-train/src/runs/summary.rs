//! The sizes of a run before it starts: `--dry-run`.

use super::checks::check;
use super::data::RunData;
use super::error::RunError;
use super::plan::Plan;
use super::setup;
use crate::device::DeviceName;
use crate::recipe::Recipe;

/// Sizes of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// Pictures to learn from, to validate on (0: the test pictures) and to test on.
    pub pictures: [usize; 3],
    /// Channels, height and width of the network's input.
    pub input: [usize; 3],
    /// Number of classes.
    pub classes: usize,
    /// Weights and biases of the network.
    pub parameters: usize,
    /// The part of them that training changes: all but the frozen layers.
    pub trained: usize,
    /// Batches of an epoch.
    pub batches: usize,
    /// Optimiser steps in all.
    pub optimizer_steps: usize,
    /// Learning rate after the warm-up.
    pub peak: f64,
    /// Bytes of weights, gradients, optimiser state and averaged weights.
    pub weight_bytes: u64,
    /// Bytes that a batch keeps for its backward pass, as estimated from the network's layers.
    pub activation_bytes: u64,
    /// Bytes of the batches made ahead.
    pub loader_bytes: u64,
}

impl Summary {
    /// Works out the sizes from the recipe and its data.
    ///
    /// # Errors
    /// What [`super::Run::open`] refuses of the recipe and the data.
    pub fn new(recipe: &Recipe, data: &RunData) -> Result<Summary, RunError> {
        check(recipe, data)?;
        let (input, classes) = (recipe.input_shape(data.features()), data.classes());
        let loader = setup::train_loader(recipe, &data.train)?;
        let plan = Plan::new(recipe, data.train.len(), loader.steps_per_epoch());
        let parameters = recipe.network.parameters(input, classes)?;
        let trained = recipe.network.trained_parameters(input, classes)?;
        // Weights and averaged weights; gradients and what the optimiser keeps.
        let weights = parameters.saturating_mul(1 + usize::from(recipe.optimizer.average.is_some()));
        let states = trained.saturating_mul(1 + recipe.optimizer.states());
        let bytes = |values: usize| 4 * values as u64;
        let batch = recipe.training.batch_size.min(data.train.len());
        let picture: usize = input.iter().product();
        Ok(Summary {
            pictures: [data.train.len(), data.validation.as_ref().map_or(0, |held| held.len()), data.test.len()],
            input,
            classes,
            parameters,
            trained,
            batches: plan.batches,
            optimizer_steps: plan.schedule.steps,
            peak: plan.schedule.peak,
            weight_bytes: bytes(weights.saturating_add(states)),
            activation_bytes: bytes(recipe.network.activation_floats(input, classes)?.saturating_mul(batch)),
            loader_bytes: bytes(picture.saturating_mul(batch).saturating_mul(recipe.training.prefetch + 2)),
        })
    }

    /// Refuses a run that needs more memory than there is. On a GPU only the batches made ahead count, which lie in the
    /// memory of the machine. `available`: bytes; `None` refuses nothing.
    ///
    /// # Errors
    /// [`RunError::Memory`].
    pub fn check_memory(&self, device: DeviceName, available: Option<u64>) -> Result<(), RunError> {
        let needed = if device == DeviceName::Cpu { self.bytes() } else { self.loader_bytes };
        match available {
            Some(available) if needed > available => Err(RunError::Memory { needed, available }),
            _ => Ok(()),
        }
    }

    /// All bytes together, without the pictures of a set that lies in memory.
    pub fn bytes(&self) -> u64 {
        self.weight_bytes.saturating_add(self.activation_bytes).saturating_add(self.loader_bytes)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn more_memory_than_there_is_is_refused() {
        let summary = Summary {
            pictures: [10, 0, 5],
            input: [1, 8, 8],
            classes: 2,
            parameters: 1,
            trained: 1,
            batches: 1,
            optimizer_steps: 1,
            peak: 0.1,
            weight_bytes: 3_000_000_000,
            activation_bytes: 1_000_000_000,
            loader_bytes: 500_000_000,
        };
        assert!(summary.check_memory(DeviceName::Cpu, None).is_ok());
        assert!(summary.check_memory(DeviceName::Cpu, Some(4_500_000_000)).is_ok());
        let error = summary.check_memory(DeviceName::Cpu, Some(4_499_999_999)).unwrap_err();
        assert!(error.is_usage());
        let message = error.to_string();
        assert!(message.starts_with("the run needs about 4.5 GB of memory, and 4.5 GB are available;"), "{message}");
        assert!(message.contains("training.batch_size") && message.ends_with("--force starts it anyway"), "{message}");
        assert!(summary.check_memory(DeviceName::Cuda, Some(500_000_000)).is_ok());
        assert!(summary.check_memory(DeviceName::Cuda, Some(499_999_999)).is_err());
    }
}
