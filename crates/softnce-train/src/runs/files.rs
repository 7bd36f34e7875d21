//! The files of a run that it reads again.

/// The recipe, with every default spelled out.
pub(super) const RECIPE: &str = "recipe.toml";
/// The [`RunInfo`](super::RunInfo).
pub(super) const INFO: &str = "run.json";
/// The last checkpoint: everything needed to continue.
pub const LAST: &str = "last.safetensors";
/// The weights with which the reported values are computed, those of the best epoch or the last, under timm's names.
pub const BEST: &str = "best.safetensors";
/// The weights of a new best epoch until [`LAST`] names them.
pub(super) const NEXT_BEST: &str = "best.next.safetensors";
