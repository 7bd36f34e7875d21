//! Shortcuts of residual blocks.

use serde::{Deserialize, Serialize};

/// The shortcut of a block that changes the shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shortcut {
    /// Option A of the paper, without parameters: every second pixel; new channels are 0, half of them before the old
    /// ones and half after.
    Padding,
    /// Option B: a convolution of kernel 1 and batch normalisation.
    Projection,
}
