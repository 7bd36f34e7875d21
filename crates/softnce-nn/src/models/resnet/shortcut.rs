//! Shortcuts past a block.

use serde::{Deserialize, Serialize};

/// What a shortcut does where the shape changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shortcut {
    /// Every second pixel, new channels 0, half of them before and half after the old ones (option A): no parameters.
    Padding,
    /// A convolution of kernel 1 and batch normalisation (option B).
    Projection,
}
