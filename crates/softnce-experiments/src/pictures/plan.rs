//! Which sets of pictures, and what is compared on each.

use serde::{Deserialize, Serialize};
use softnce_train::recipe::Recipe;

use crate::StudyError;
use crate::named::named;

/// The settings of the study.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PicturesConfig {
    /// The sets.
    pub sets: Vec<PictureSet>,
    /// Margin of the equivalence test, in percentage points of test accuracy.
    pub margin: f64,
}

/// One set of pictures with the recipe that is compared over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PictureSet {
    /// Its name, and that of its folder.
    pub name: String,
    /// The recipe: a file, or one that comes with the program.
    pub recipe: String,
    /// Changes of the recipe, `key=value`.
    pub changes: Vec<String>,
}

impl Default for PicturesConfig {
    fn default() -> Self {
        PicturesConfig { sets: PictureSet::all(), margin: 0.5 }
    }
}

impl PictureSet {
    /// The sets of the study: budgets that two cores carry.
    pub fn all() -> Vec<PictureSet> {
        let five_seeds = "compare.seeds=5";
        let three_rates = "compare.learning_rates=[0.1, 0.3, 1.0]";
        let (small, narrow) = ("network.depth=8", "network.width=8");
        let set = |name: &str, recipe: &str, changes: &[&str]| PictureSet {
            name: name.to_owned(),
            recipe: recipe.to_owned(),
            changes: changes.iter().map(|&change| change.to_owned()).collect(),
        };
        vec![
            set("digits", "digits", &["compare.seeds=10"]),
            set(
                "fashion-mnist",
                "fashion-mnist-resnet",
                &[small, narrow, "schedule.epochs=6", five_seeds, three_rates],
            ),
            set(
                "cifar10h",
                "cifar10h",
                &[small, narrow, "schedule.epochs=20", "schedule.warmup_epochs=2", five_seeds, three_rates],
            ),
            // Short of epochs: without RandAugment and erasing, and with the optimiser of the other sets.
            set(
                "cifar100",
                "cifar100",
                &[
                    small,
                    narrow,
                    "augmentation.train={random_crop={padding=4}, flip=0.5}",
                    "optimizer={kind=\"sgd\", learning_rate=0.1, momentum=0.9, nesterov=true, weight_decay=5e-4}",
                    "schedule.epochs=6",
                    "schedule.warmup_epochs=1",
                    "training.accumulate=1",
                    five_seeds,
                    three_rates,
                ],
            ),
        ]
    }

    /// Those of the study by their names.
    ///
    /// # Errors
    /// [`StudyError::Name`] for a name that none has, or one that comes twice.
    pub fn named(names: &[String]) -> Result<Vec<PictureSet>, StudyError> {
        named("sets", names, &PictureSet::all(), |set| &set.name)
    }

    /// The recipe as it is changed.
    pub(crate) fn read(&self) -> Result<Recipe, StudyError> {
        Ok(Recipe::read(&self.recipe, &self.changes)?)
    }
}

impl PicturesConfig {
    /// Refuses what cannot be run.
    ///
    /// # Errors
    /// [`StudyError::Argument`] for the first setting out of its range; a recipe that cannot be read.
    pub fn check(&self) -> Result<(), StudyError> {
        if self.sets.is_empty() {
            return Err(StudyError::argument("sets", "none", "at least one"));
        }
        if !(self.margin > 0.0 && self.margin <= 100.0) {
            return Err(StudyError::argument("margin", self.margin, "above 0, at most 100"));
        }
        for set in &self.sets {
            let seeds = set.read()?.compare.seeds;
            if seeds < 2 {
                return Err(StudyError::argument("seeds", seeds, "at least 2: intervals need them"));
            }
        }
        Ok(())
    }
}
