//! The order of the two directions of resizing.

use fast_image_resize::Resizer;

/// Resizes across, then down, as PIL does: rounding and clipping between the two passes depend on the order, and
/// `fast_image_resize` itself takes the other one.
#[derive(Debug, Default)]
pub(super) struct TwoPassResizer {
    pub(super) resizer: Resizer,
    /// The picture between the passes.
    pub(super) across: Vec<u8>,
}
