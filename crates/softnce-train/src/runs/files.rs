//! Names of the files with weights in the folder of a run.

/// The last checkpoint: everything needed to go on.
pub const LAST: &str = "last.safetensors";
/// The weights that the figures are of, those of the best epoch or the last, under timm's names.
pub const BEST: &str = "best.safetensors";
