//! Why a recipe was refused.

use std::io;
use std::path::PathBuf;

/// Why a recipe was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecipeError {
    /// The file cannot be read.
    #[error("cannot read the recipe {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// No recipe of this name comes with the program.
    #[error("there is no recipe {name:?}, neither as a file nor among those of the program ({known}){nearest}")]
    Unknown {
        /// The name that came.
        name: String,
        /// The names there are.
        known: String,
        /// The nearest of them, as a question; empty where none is near.
        nearest: String,
    },
    /// The text is no recipe.
    #[error("recipe {}: {reason}", path.display())]
    Parse {
        /// The file, or the name of the recipe.
        path: PathBuf,
        /// What is wrong and where; for an unknown key, the nearest known one.
        reason: String,
    },
    /// A change is not of the form `key=value`, or its key leads through something that is no section.
    #[error("change {change:?}: {reason}")]
    Change {
        /// The change as it was given.
        change: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A value is out of its range.
    #[error("{key} is {value}, expected {expected}")]
    Value {
        /// Key of the value.
        key: String,
        /// The value.
        value: String,
        /// What was expected, in words.
        expected: String,
    },
    /// The recipe cannot be written as TOML.
    #[error("the recipe cannot be written: {reason}")]
    Write {
        /// What the serialiser said.
        reason: String,
    },
}
