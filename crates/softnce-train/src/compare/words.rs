//! The data of a recipe in words.

use softnce_data::sets::Layout;

use crate::recipe::Recipe;

/// Name and origin of the data.
pub(super) fn data(recipe: &Recipe) -> String {
    let section = &recipe.data;
    if let Some(origin) = section.layout.and_then(Layout::origin) {
        return origin.to_owned();
    }
    let name = section.path.as_ref().map_or_else(|| recipe.name.clone(), |path| path.display().to_string());
    match section.imbalance {
        Some(imbalance) => format!("{name}, its training classes thinned to a long tail of {imbalance} to 1"),
        None => name,
    }
}
