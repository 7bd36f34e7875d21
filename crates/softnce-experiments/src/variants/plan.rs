//! What a study tries.

use serde::{Deserialize, Serialize};
use softnce_train::recipe::Recipe;

use crate::StudyError;
use crate::chart::Drawn;
use crate::measure::Measure;
use crate::named::{each_once, file_part, named};

/// The settings of a study made of variants.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VariantsConfig {
    /// Seeds that every variant is trained from.
    pub seeds: u64,
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
    /// What theory says of it, for the page.
    pub theory: String,
    /// The recipe: a file, or one that comes with the program.
    pub recipe: String,
    /// Changes of the recipe that all variants share, `key=value`.
    pub changes: Vec<String>,
    /// The variants, in the order of the table.
    pub variants: Vec<Variant>,
    /// What the table shows.
    pub measures: Vec<Measure>,
    /// The drawing, if there is one.
    pub chart: Option<ChartPlan>,
}

/// One variant of a recipe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Variant {
    /// Its name in the table.
    pub name: String,
    /// Changes of the group's recipe, `key=value`.
    pub changes: Vec<String>,
    /// The name of the variant that it is paired with, if any.
    pub against: Option<String>,
    /// Its place in the drawing.
    pub drawn: Drawn,
}

/// A drawing of a group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChartPlan {
    /// What the axis counts.
    pub axis: String,
    /// Whether it counts by powers.
    pub log: bool,
    /// What is drawn.
    pub measure: Measure,
}

impl Variant {
    /// A variant that is in the table alone.
    pub fn new<S: Into<String>>(name: impl Into<String>, changes: impl IntoIterator<Item = S>) -> Self {
        let changes = changes.into_iter().map(Into::into).collect();
        Variant { name: name.into(), changes, against: None, drawn: Drawn::No }
    }

    /// The same, paired with another.
    #[must_use]
    pub fn against(self, other: &str) -> Self {
        Variant { against: Some(other.to_owned()), ..self }
    }

    /// The same, drawn on a series' line.
    #[must_use]
    pub fn at(self, series: &str, x: f64) -> Self {
        Variant { drawn: Drawn::At { series: series.to_owned(), x }, ..self }
    }

    /// The same, drawn as a level.
    #[must_use]
    pub fn level(self) -> Self {
        Variant { drawn: Drawn::Level, ..self }
    }

    /// Its name within that of a file.
    pub(crate) fn part(&self) -> String {
        file_part(&self.name)
    }
}

impl Group {
    /// Whether its table shows accuracy with the class frequencies divided out, which takes a second evaluation.
    pub(crate) fn shows_adjusted(&self) -> bool {
        self.measures.contains(&Measure::BalancedAdjusted)
    }

    /// The recipe of a variant under a seed.
    pub(crate) fn recipe(&self, variant: &Variant, seed: u64) -> Result<Recipe, StudyError> {
        let changes: Vec<String> = self.changes.iter().chain(&variant.changes).cloned().collect();
        let mut recipe = Recipe::read(&self.recipe, &changes)?;
        recipe.name = format!("{}-{}-seed{seed}", self.name, variant.part());
        recipe.seed = seed;
        recipe.compare = Default::default();
        Ok(recipe.resolved())
    }
}

impl VariantsConfig {
    /// Keeps the groups of these names, in their order.
    ///
    /// # Errors
    /// [`StudyError::Name`] for a name that none has, or one that comes twice.
    pub fn only(self, names: &[String]) -> Result<Self, StudyError> {
        let groups = named("groups", names, &self.groups, |group| &group.name)?;
        Ok(VariantsConfig { groups, ..self })
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
        let mut parts: Vec<String> = Vec::new();
        for group in &self.groups {
            for variant in &group.variants {
                parts.push(group.recipe(variant, 0)?.name);
                let known = |name: &String| group.variants.iter().any(|other| other.name == *name);
                if let Some(other) = variant.against.as_ref().filter(|name| !known(name)) {
                    return Err(StudyError::argument("against", other, "a variant of its group"));
                }
            }
        }
        each_once("variants", parts)
    }
}
