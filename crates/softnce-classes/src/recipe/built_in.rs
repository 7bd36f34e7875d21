//! The recipes that come with the program.

use crate::ClassesError;

/// Name and text of each recipe.
pub const BUILT_IN: [(&str, &str); 5] = [
    ("many-classes", include_str!("../../recipes/many-classes.toml")),
    ("next-word", include_str!("../../recipes/next-word.toml")),
    ("labelled-text", include_str!("../../recipes/labelled-text.toml")),
    ("extreme", include_str!("../../recipes/extreme.toml")),
    ("multi-label", include_str!("../../recipes/multi-label.toml")),
];

/// The text of a recipe that comes with the program.
///
/// # Errors
/// A name that none has; the message lists those that there are.
pub fn built_in(name: &str) -> Result<&'static str, ClassesError> {
    let found = BUILT_IN.iter().find(|(known, _)| *known == name).map(|(_, text)| *text);
    found.ok_or_else(|| ClassesError::Recipe {
        name: name.to_owned(),
        reason: format!("no such recipe; there are {}", BUILT_IN.map(|(known, _)| known).join(", ")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::ClassesRecipe;

    #[test]
    fn every_recipe_is_valid_and_has_its_name() {
        for (name, text) in BUILT_IN {
            let recipe = ClassesRecipe::from_table(name, toml::from_str(text).unwrap()).unwrap();
            assert_eq!(recipe.name, name);
            let again = toml::from_str(&recipe.to_toml().unwrap()).unwrap();
            assert_eq!(ClassesRecipe::from_table(name, again).unwrap(), recipe);
            assert_eq!(built_in(name).unwrap(), text);
        }
        let message = built_in("next-words").unwrap_err().to_string();
        assert!(message.starts_with("next-words: no such recipe; there are many-classes, next-word,"), "{message}");
    }
}
