//! The sizes of a run before it starts: `--dry-run`.

use super::data::RunData;
use super::error::RunError;
use super::plan::Plan;
use super::setup;
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
    /// Trainable parameters.
    pub parameters: usize,
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
        let (input, classes) = (setup::input(recipe), data.classes());
        let loader = setup::train_loader(recipe, &data.train)?;
        let plan = Plan::new(recipe, data.train.len(), loader.steps_per_epoch());
        let parameters = recipe.network.parameters(input, classes)?;
        // Weights and gradients; what the optimiser keeps; averaged weights.
        let copies = 2 + recipe.optimizer.states() + usize::from(recipe.optimizer.average.is_some());
        let bytes = |values: usize| 4 * values as u64;
        let batch = recipe.training.batch_size.min(data.train.len());
        let picture: usize = input.iter().product();
        Ok(Summary {
            pictures: [data.train.len(), data.validation.as_ref().map_or(0, |held| held.len()), data.test.len()],
            input,
            classes,
            parameters,
            batches: plan.batches,
            optimizer_steps: plan.schedule.steps,
            peak: plan.schedule.peak,
            weight_bytes: bytes(parameters.saturating_mul(copies)),
            activation_bytes: bytes(recipe.network.activation_floats(input, classes)?.saturating_mul(batch)),
            loader_bytes: bytes(picture.saturating_mul(batch).saturating_mul(recipe.training.prefetch + 2)),
        })
    }

    /// All bytes together, without the pictures of a set that lies in memory.
    pub fn bytes(&self) -> u64 {
        self.weight_bytes.saturating_add(self.activation_bytes).saturating_add(self.loader_bytes)
    }
}
