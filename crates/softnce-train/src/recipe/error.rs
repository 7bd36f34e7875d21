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
    #[error("no recipe file and no built-in recipe is named {name} (built-in: {known}){nearest}")]
    Unknown {
        /// The name.
        name: String,
        /// The names of the built-in recipes.
        known: String,
        /// The nearest of them, as a question; empty if none is near.
        nearest: String,
    },
    /// The text is not TOML.
    #[error("recipe {}: {reason}", path.display())]
    Parse {
        /// The file, or the name of the recipe.
        path: PathBuf,
        /// What is wrong, with the line.
        reason: String,
    },
    /// A key, a value or a change of the command line is refused.
    #[error("{}{reason}", place.as_ref().map(|place| format!("{place}: ")).unwrap_or_default())]
    Refused {
        /// The file with the line, or the change of the command line; `None` if the recipe was not read from text.
        place: Option<String>,
        /// The key with its section.
        key: String,
        /// What is wrong and, if it is near, what was probably meant.
        reason: String,
    },
    /// The recipe cannot be written as TOML.
    #[error("the recipe cannot be written: {reason}")]
    Write {
        /// What the serialiser said.
        reason: String,
    },
}
