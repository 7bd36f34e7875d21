//! How files of pictures are decoded.

use super::error::DecodeError;

/// How files of pictures are decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Decoding {
    /// Whether to apply the orientation in the EXIF data. TIFF files are turned in any case, as by Pillow.
    pub exif_orientation: bool,
    /// Largest number of pixels of a picture. A small damaged file may claim to hold billions.
    pub max_pixels: u64,
}

impl Decoding {
    /// The most pixels that Pillow opens by default: twice its `Image.MAX_IMAGE_PIXELS`.
    pub const MAX_PIXELS: u64 = 178_956_970;

    /// # Errors
    /// A picture that is too large.
    pub(super) fn check(self, width: u64, height: u64) -> Result<(), DecodeError> {
        let limit = self.max_pixels;
        if width.saturating_mul(height) > limit {
            return Err(DecodeError::Size { width, height, limit });
        }
        Ok(())
    }
}

/// As torchvision: the orientation that a camera noted is not applied.
impl Default for Decoding {
    fn default() -> Self {
        Decoding { exif_orientation: false, max_pixels: Decoding::MAX_PIXELS }
    }
}
