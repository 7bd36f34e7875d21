//! The settings of a recipe that may change when a run or a comparison continues.

use std::path::{Path, PathBuf};

use softnce_data::fetch::Registry;

use crate::recipe::Recipe;

/// `recipe`, with the settings that may change when a run continues taken from `found`: those that do not affect
/// training, and a larger number of epochs or a larger patience.
pub(super) fn settled(recipe: &Recipe, found: &Recipe) -> Recipe {
    let mut recipe = unaffected(recipe, found);
    recipe.compare = found.compare.clone();
    let (here, there) = (&mut recipe.evaluation, &found.evaluation);
    (here.batch_size, here.bins, here.pictures) = (there.batch_size, there.bins, there.pictures);
    here.scale_temperature = there.scale_temperature;
    // It may be switched off only: the weights of the best epoch are kept from the start or not at all.
    here.best |= there.best;
    if recipe.schedule.epochs > found.schedule.epochs {
        recipe.schedule.epochs = found.schedule.epochs;
    }
    // None means no limit.
    if recipe.training.patience.unwrap_or(usize::MAX) > found.training.patience.unwrap_or(usize::MAX) {
        recipe.training.patience = found.training.patience;
    }
    recipe
}

/// `recipe`, with the settings that change no result taken from `found`.
pub(crate) fn unaffected(recipe: &Recipe, found: &Recipe) -> Recipe {
    let mut recipe = recipe.clone();
    let (here, there) = (&mut recipe.training, &found.training);
    (here.workers, here.prefetch, here.checkpoint_steps) = (there.workers, there.prefetch, there.checkpoint_steps);
    recipe
}

/// The recipe with the registered names of its sets and files, which have several.
pub(super) fn with_known_names(recipe: &Recipe) -> Recipe {
    let registry = Registry::known();
    let file = |path: &Path| registry.file_of(path).map(|(set, file)| Path::new(&set.name).join(&file.name));
    let mut recipe = recipe.clone();
    let data = &mut recipe.data;
    if let Some(set) = data.path.as_deref().and_then(|path| registry.set_of(path)) {
        data.path = Some(PathBuf::from(&set.name));
    }
    for labels in [&mut data.train_labels, &mut data.test_labels] {
        *labels = labels.take().map(|source| match file(source.path()) {
            Some(known) => source.at(known),
            None => source,
        });
    }
    if let Some(weights) = &mut recipe.weights {
        weights.path = file(&weights.path).unwrap_or_else(|| std::mem::take(&mut weights.path));
    }
    recipe
}
