//! The downloadable sets that a recipe reads.

use softnce_data::fetch::{KnownSet, Registry};

use super::Recipe;

impl Recipe {
    /// The sets in the registry whose files this recipe reads: pictures, labels, weights. A path that names none of them is
    /// that of the user's own files.
    pub fn known_sets(&self) -> Vec<&'static KnownSet> {
        let registry = Registry::known();
        let pictures = self.data.path.as_deref().and_then(|path| registry.set_of(path));
        let labels = [&self.data.train_labels, &self.data.test_labels].into_iter().flatten();
        let files =
            labels.map(|labels| labels.path()).chain(self.weights.as_ref().map(|weights| weights.path.as_path()));
        let mut sets: Vec<&KnownSet> = Vec::new();
        for set in pictures.into_iter().chain(files.filter_map(|path| Some(registry.file_of(path)?.0))) {
            if !sets.contains(&set) {
                sets.push(set);
            }
        }
        sets
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::path::Path;

    use softnce_data::fetch::SetKind;

    use super::*;
    use crate::recipe::BUILT_IN;

    /// Sets that cannot be fetched; the documents say how to lay them out.
    const USER_SUPPLIED: [&str; 1] = ["imagenet"];

    /// Every path of a recipe that comes with the program is that of a registered set, under its registered name, so that
    /// it is where `data fetch` puts it.
    #[test]
    fn built_in_recipes_read_what_can_be_fetched() {
        let registry = Registry::known();
        for (name, _) in BUILT_IN {
            let recipe = Recipe::read(name, &[]).unwrap();
            let set = match (&recipe.data.path, recipe.data.layout) {
                (None, Some(layout)) => {
                    assert!(layout.origin().is_some(), "{name}");
                    None
                }
                (Some(path), _) if USER_SUPPLIED.iter().any(|user| path == Path::new(user)) => None,
                (Some(path), layout) => {
                    let set = registry.find(path.to_str().unwrap()).unwrap_or_else(|error| panic!("{name}: {error}"));
                    assert!(matches!(set.kind, SetKind::Pictures(own) if Some(own) == layout), "{name}");
                    Some(set)
                }
                (None, None) => panic!("{name} names no data"),
            };
            let file = |path: &Path| {
                let (set, file) = registry.file_of(path).unwrap_or_else(|| panic!("{name}: {}", path.display()));
                assert_eq!(path, Path::new(&set.name).join(&file.name), "{name}");
                set
            };
            for labels in [&recipe.data.train_labels, &recipe.data.test_labels].into_iter().flatten() {
                let of = file(labels.path());
                assert_eq!(of.kind, SetKind::Labels { pictures: set.unwrap().name.clone() }, "{name}");
            }
            if let Some(weights) = &recipe.weights {
                assert_eq!(file(&weights.path).kind, SetKind::Weights, "{name}");
            }
        }
    }

    #[test]
    fn a_recipe_names_its_sets_under_old_names_too() {
        let names = |changes: &[&str], recipe: &str| {
            let changes: Vec<String> = changes.iter().map(|&change| change.to_owned()).collect();
            let sets = Recipe::read(recipe, &changes).unwrap().known_sets();
            sets.into_iter().map(|set| set.name.as_str()).collect::<Vec<_>>()
        };
        assert_eq!(names(&[], "cifar10h"), ["cifar-10", "cifar-10h"]);
        assert_eq!(names(&[], "tiny-imagenet"), ["tiny-imagenet", "mae-vit-base"]);
        assert_eq!(names(&[], "digits"), [""; 0]);
        assert_eq!(names(&["data.path=\"cifar-100-binary\""], "cifar100"), ["cifar-100"]);
        assert_eq!(names(&["data.path=\"photos\""], "cifar100"), [""; 0]);
        assert_eq!(names(&["weights.path=\"mae_pretrain_vit_base.pth\""], "imagenet-mae-vit-b16"), ["mae-vit-base"]);
    }
}
