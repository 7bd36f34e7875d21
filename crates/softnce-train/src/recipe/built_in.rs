//! The recipes that come with the program.

use super::RecipeError;
use super::hints::{nearest, question};

/// Name and text of each recipe.
pub const BUILT_IN: [(&str, &str); 9] = [
    ("digits", include_str!("../../recipes/digits.toml")),
    ("fashion-mnist-resnet", include_str!("../../recipes/fashion-mnist-resnet.toml")),
    ("fashion-mnist-vit", include_str!("../../recipes/fashion-mnist-vit.toml")),
    ("cifar100", include_str!("../../recipes/cifar100.toml")),
    ("cifar100-resnet20", include_str!("../../recipes/cifar100-resnet20.toml")),
    ("cifar100-lt", include_str!("../../recipes/cifar100-lt.toml")),
    ("cifar10h", include_str!("../../recipes/cifar10h.toml")),
    ("tiny-imagenet", include_str!("../../recipes/tiny-imagenet.toml")),
    ("imagenet-mae-vit-b16", include_str!("../../recipes/imagenet-mae-vit-b16.toml")),
];

/// The text of a recipe that comes with the program.
///
/// # Errors
/// [`RecipeError::Unknown`] with the nearest known name.
pub fn built_in(name: &str) -> Result<&'static str, RecipeError> {
    find(name).ok_or_else(|| unknown(name))
}

pub(super) fn find(name: &str) -> Option<&'static str> {
    BUILT_IN.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

pub(super) fn unknown(name: &str) -> RecipeError {
    let names = BUILT_IN.map(|(known, _)| known);
    let nearest = question(nearest(name, names));
    RecipeError::Unknown { name: name.to_owned(), known: names.join(", "), nearest }
}
