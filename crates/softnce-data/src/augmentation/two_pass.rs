//! The order of the two directions of resizing.

use fast_image_resize::Resizer;

/// Resizes across, then down, as PIL does. `fast_image_resize` alone resizes down first; the results differ, because
/// values are rounded and clipped between the two passes.
#[derive(Debug, Default)]
pub(super) struct TwoPassResizer {
    pub(super) resizer: Resizer,
    /// The picture between the passes.
    pub(super) across: Vec<u8>,
}
