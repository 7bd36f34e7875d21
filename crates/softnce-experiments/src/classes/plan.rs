//! What the study tries.

use serde::{Deserialize, Serialize};
use softnce_classes::recipe::{ClassesRecipe, built_in};
use softnce_train::recipe::read_table;

use super::measure::ClassesMeasure;
use crate::StudyError;
use crate::chart::Drawn;
use crate::named::{each_once, file_part, named};

/// The settings of the study.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassesConfig {
    /// Seeds that every variant is trained from.
    pub seeds: u64,
    /// Changes of every recipe, after those of groups and variants, `key=value`.
    #[serde(default)]
    pub set: Vec<String>,
    /// Group by group.
    pub groups: Vec<Group>,
}

/// Variants of one recipe that are compared with each other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// Its name, and the start of those of its parts.
    pub name: String,
    /// Its title on the page.
    pub title: String,
    /// What is compared, for the page.
    pub about: String,
    /// The built-in recipe.
    pub recipe: String,
    /// Changes of the recipe that all variants share, `key=value`.
    pub changes: Vec<String>,
    /// The variants, in the order of the table.
    pub variants: Vec<Variant>,
    /// What the table shows; the first one is drawn.
    pub measures: Vec<ClassesMeasure>,
}

/// One variant of a recipe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Variant {
    /// Its name in the table.
    pub name: String,
    /// Changes of the group's recipe, `key=value`.
    pub changes: Vec<String>,
    /// Its place in the drawing against the number of samples.
    pub drawn: Drawn,
    /// Whether it has a line in the drawing against time.
    pub timed: bool,
}

impl Variant {
    /// A variant that is in the table alone.
    pub fn new<S: Into<String>>(name: impl Into<String>, changes: impl IntoIterator<Item = S>) -> Self {
        let changes = changes.into_iter().map(Into::into).collect();
        Variant { name: name.into(), changes, drawn: Drawn::No, timed: false }
    }

    /// The same, drawn on the line of a series at a number of samples.
    #[must_use]
    pub fn at(self, series: &str, samples: usize) -> Self {
        Variant { drawn: Drawn::At { series: series.to_owned(), x: samples as f64 }, ..self }
    }

    /// The same, drawn as a level: the number of samples does not concern it.
    #[must_use]
    pub fn level(self) -> Self {
        Variant { drawn: Drawn::Level, ..self }
    }

    /// The same, with a line in the drawing against time.
    #[must_use]
    pub fn timed(self) -> Self {
        Variant { timed: true, ..self }
    }
}

impl Group {
    /// Its changes, but for keys that `set` changes again.
    pub(crate) fn changes_but(&self, set: &[String]) -> Vec<String> {
        let key = |change: &str| change.split('=').next().unwrap_or_default().trim().to_owned();
        let again: Vec<String> = set.iter().map(|change| key(change)).collect();
        self.changes.iter().filter(|change| !again.contains(&key(change))).cloned().collect()
    }
}

impl ClassesConfig {
    /// The recipe of a variant under a seed.
    pub(crate) fn recipe(&self, group: &Group, variant: &Variant, seed: u64) -> Result<ClassesRecipe, StudyError> {
        let changes: Vec<String> = group.changes.iter().chain(&variant.changes).chain(&self.set).cloned().collect();
        let table = read_table(group.recipe.as_ref(), built_in(&group.recipe)?, &changes)?;
        let mut recipe = ClassesRecipe::from_table(&group.recipe, table)?;
        recipe.name = format!("{}-{}-seed{seed}", group.name, file_part(&variant.name));
        recipe.seed = seed;
        Ok(recipe)
    }

    /// Keeps the groups of these names, in their order.
    ///
    /// # Errors
    /// [`StudyError::Name`] for a name that none has, or one that comes twice.
    pub fn only(self, names: &[String]) -> Result<Self, StudyError> {
        let groups = named("groups", names, &self.groups, |group| &group.name)?;
        Ok(ClassesConfig { groups, ..self })
    }

    /// Refuses what cannot be run.
    ///
    /// # Errors
    /// [`StudyError::Argument`] for the first setting out of its range; a recipe that cannot be read.
    pub fn check(&self) -> Result<(), StudyError> {
        if !(1..=1000).contains(&self.seeds) {
            return Err(StudyError::argument("seeds", self.seeds, "from 1 to 1,000"));
        }
        if self.groups.is_empty() {
            return Err(StudyError::argument("groups", "none", "at least one"));
        }
        let mut parts = Vec::new();
        for group in &self.groups {
            for variant in &group.variants {
                parts.push(self.recipe(group, variant, 0)?.name);
            }
        }
        each_once("variants", parts)
    }
}
