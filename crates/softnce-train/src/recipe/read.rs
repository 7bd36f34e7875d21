//! Reads a recipe from a file or from text, with changes.

use std::path::{Path, PathBuf};

use super::source::Source;
use super::{Recipe, RecipeError, built_in, change, words};

impl Recipe {
    /// Reads a recipe from a file, or one that comes with the program by its name, and changes it by `key=value`.
    ///
    /// # Errors
    /// A file that cannot be read; text that is not a recipe, with the place and, for an unknown key, the nearest known
    /// one; a change without `=`; values out of range.
    pub fn read(name_or_path: &str, changes: &[String]) -> Result<Recipe, RecipeError> {
        let (origin, text) = read_text(name_or_path)?;
        let recipe = Recipe::parse(&origin, &text, changes)?;
        recipe.check().map_err(|error| error.placed(&Source { origin: &origin, text: &text, changes }))?;
        Ok(recipe)
    }

    /// Reads a recipe from text, without checking its values; `origin` is for the errors.
    ///
    /// # Errors
    /// Text that is not TOML; a key or a value that no recipe has, with its place and what was probably meant; a change
    /// without `=`.
    pub fn parse(origin: &Path, text: &str, changes: &[String]) -> Result<Recipe, RecipeError> {
        let table = read_table(origin, text, changes)?;
        words::recipe(&table).map_err(|error| error.placed(&Source { origin, text, changes }))
    }

    /// The keys that [`Recipe::to_toml`] leaves out because they are not set: TOML has no value for that.
    ///
    /// # Errors
    /// As [`Recipe::to_toml`].
    pub fn unset_keys(&self) -> Result<Vec<String>, RecipeError> {
        let table = toml::Table::try_from(self).map_err(|error| RecipeError::Write { reason: error.to_string() })?;
        Ok(words::unset(&table))
    }
}

/// The text of a recipe file, or of a recipe that comes with the program, with its path or its name.
///
/// # Errors
/// A file that cannot be read; a name that no recipe has.
pub fn read_text(name_or_path: &str) -> Result<(PathBuf, String), RecipeError> {
    let path = PathBuf::from(name_or_path);
    if let Some(text) = built_in::find(name_or_path) {
        return Ok((path, text.to_owned()));
    }
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok((path, text)),
        Err(source) => {
            let looks_like_a_name = path.extension().is_none() && path.components().count() == 1;
            if looks_like_a_name && source.kind() == std::io::ErrorKind::NotFound {
                return Err(built_in::unknown(name_or_path));
            }
            Err(RecipeError::Read { path, source })
        }
    }
}

/// The TOML of a recipe with its changes, before its keys are read: recipes of other kinds have other keys.
///
/// # Errors
/// Text that is not TOML; a change without `=`.
pub fn read_table(origin: &Path, text: &str, changes: &[String]) -> Result<toml::Table, RecipeError> {
    let mut table: toml::Table = toml::from_str(text)
        .map_err(|error| RecipeError::Parse { path: origin.to_owned(), reason: in_words(&error) })?;
    for change in changes {
        change::apply(&mut table, change)?;
    }
    Ok(table)
}

/// Why text is not TOML. The parser names a type of Rust where a number is too large.
fn in_words(error: &toml::de::Error) -> String {
    let (text, message) = (error.to_string(), error.message());
    let number = message.strip_prefix("invalid type: integer `").and_then(|rest| rest.split('`').next());
    let text = match number {
        Some(number) => {
            let reason = format!("{number} is out of range: whole numbers are from {} to {}", i64::MIN, i64::MAX);
            text.replace(message, &reason)
        }
        None => text,
    };
    text.trim_end().to_owned()
}

impl RecipeError {
    /// The same with the place of the key in the text or among the changes.
    fn placed(self, source: &Source<'_>) -> Self {
        match self {
            RecipeError::Refused { place: None, key, reason } => {
                RecipeError::Refused { place: Some(source.place(&key)), key, reason }
            }
            other => other,
        }
    }
}
