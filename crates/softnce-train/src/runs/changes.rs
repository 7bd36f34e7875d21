//! In what a recipe may differ from that of the run, or the comparison, that it continues.

use std::path::{Path, PathBuf};

use softnce_data::fetch::Registry;

use crate::recipe::Recipe;

/// The recipe with the settings that may change while a run goes on as another one has them: those that do not change
/// what is learned, and how long it is trained.
pub(super) fn settled(recipe: &Recipe, found: &Recipe) -> Recipe {
    let mut recipe = unaffected(recipe, found);
    recipe.compare = found.compare.clone();
    let (here, there) = (&mut recipe.evaluation, &found.evaluation);
    (here.batch_size, here.bins, here.pictures) = (there.batch_size, there.bins, there.pictures);
    here.scale_temperature = there.scale_temperature;
    // The weights of the best epoch are there only where they were kept from the start.
    here.best |= there.best;
    if recipe.schedule.epochs > found.schedule.epochs {
        recipe.schedule.epochs = found.schedule.epochs;
    }
    // None is without end.
    if recipe.training.patience.unwrap_or(usize::MAX) > found.training.patience.unwrap_or(usize::MAX) {
        recipe.training.patience = found.training.patience;
    }
    recipe
}

/// The recipe with the settings that change no result as another one has them.
pub(crate) fn unaffected(recipe: &Recipe, found: &Recipe) -> Recipe {
    let mut recipe = recipe.clone();
    let (here, there) = (&mut recipe.training, &found.training);
    (here.workers, here.prefetch, here.checkpoint_steps) = (there.workers, there.prefetch, there.checkpoint_steps);
    recipe
}

/// The recipe with the registered names of its sets and files: a set is the same under any name of its folder.
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
