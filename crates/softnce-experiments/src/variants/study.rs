//! What makes a study: all that the command line, the page, the results and the tests ask of it.

use super::plan::{Group, VariantsConfig};

/// A study made of variants of recipes.
#[derive(Debug)]
pub struct Study {
    /// Its command, and the name of its folder.
    pub name: &'static str,
    /// The title of its page.
    pub title: &'static str,
    /// What it shows, for the list of commands: half a line.
    pub about: &'static str,
    /// Seeds of each variant, unless told otherwise.
    pub seeds: u64,
    /// Whether its networks are so small that it pays to run one training per core.
    pub small: bool,
    /// Its groups of variants: recipe, changes, what each variant is compared with, measures, theory.
    pub groups: fn() -> Vec<Group>,
}

impl Study {
    /// The settings, unless told otherwise.
    pub fn config(&self) -> VariantsConfig {
        VariantsConfig { seeds: self.seeds, groups: (self.groups)() }
    }
}
