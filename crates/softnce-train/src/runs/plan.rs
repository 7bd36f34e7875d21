//! How many steps a run takes, and how many pictures each.

use std::ops::Range;

use crate::optimisation::Schedule;
use crate::recipe::Recipe;

/// The steps of a run: batches, and optimiser steps of several batches each.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plan {
    /// Pictures to learn from.
    pub pictures: usize,
    /// Pictures of a full batch.
    pub batch_size: usize,
    /// Batches of a full optimiser step.
    pub accumulate: usize,
    /// Batches of an epoch.
    pub batches: usize,
    /// Epochs.
    pub epochs: usize,
    /// The learning rate over the optimiser steps.
    pub schedule: Schedule,
}

impl Plan {
    /// The steps of a recipe over so many pictures, in epochs of `batches` batches.
    pub fn new(recipe: &Recipe, pictures: usize, batches: usize) -> Plan {
        let accumulate = recipe.training.accumulate.max(1);
        let an_epoch = batches.div_ceil(accumulate);
        let steps = recipe.schedule.epochs.saturating_mul(an_epoch);
        Plan {
            pictures,
            batch_size: recipe.training.batch_size,
            accumulate,
            batches,
            epochs: recipe.schedule.epochs,
            schedule: Schedule {
                peak: recipe.optimizer.peak(recipe.samples_per_step()).unwrap_or(0.0),
                floor: recipe.schedule.minimum_rate,
                warmup: ((recipe.schedule.warmup_epochs * an_epoch as f64).round() as usize).min(steps),
                steps,
            },
        }
    }

    /// The batches whose gradients make one optimiser step, with this one among them.
    pub fn group(&self, batch: usize) -> Range<usize> {
        let start = batch - batch % self.accumulate;
        start..(start + self.accumulate).min(self.batches)
    }

    /// Pictures of these batches.
    pub fn rows(&self, batches: Range<usize>) -> usize {
        (batches.end * self.batch_size).min(self.pictures).saturating_sub(batches.start * self.batch_size)
    }

    /// Whether the batch is the last of its optimiser step.
    pub fn completes(&self, batch: usize) -> bool {
        batch + 1 == self.group(batch).end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(pictures: usize, batch_size: usize, accumulate: usize) -> Plan {
        let schedule = Schedule { peak: 1.0, floor: 0.0, warmup: 0, steps: 1 };
        Plan { pictures, batch_size, accumulate, batches: pictures.div_ceil(batch_size), epochs: 1, schedule }
    }

    #[test]
    fn groups_end_with_the_epoch_and_hold_every_picture() {
        for (pictures, batch_size, accumulate) in [(10, 3, 2), (12, 3, 4), (1, 5, 8), (23, 4, 3), (7, 7, 1)] {
            let plan = plan(pictures, batch_size, accumulate);
            let (mut rows, mut completed) = (0, 0);
            for batch in 0..plan.batches {
                assert!(plan.group(batch).contains(&batch));
                assert!(plan.rows(batch..batch + 1) > 0);
                if plan.completes(batch) {
                    rows += plan.rows(plan.group(batch));
                    completed += 1;
                }
            }
            assert_eq!((rows, completed), (pictures, plan.batches.div_ceil(accumulate)));
        }
    }
}
