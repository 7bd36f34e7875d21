//! BMP of 16 bits a pixel.

use image::RgbImage;

/// Offsets of the fields of the header.
const BITS: usize = 28;
const COMPRESSION: usize = 30;
const GREEN_MASK: usize = 58;
/// The compression that stands for masks of the colours.
const MASKS: u32 = 3;

/// Changes the values of a picture of 16 bits a pixel to Pillow's: Pillow truncates when it scales 5 or 6 bits of a
/// colour to 8, and the decoder rounds.
pub(super) fn truncate(bytes: &[u8], picture: &mut RgbImage) {
    let field = |at: usize, length: usize| {
        let bytes = bytes.get(at..at + length).unwrap_or_default();
        bytes.iter().rev().fold(0, |value, &byte| value << 8 | u32::from(byte))
    };
    if field(BITS, 2) != 16 {
        return;
    }
    let green = if field(COMPRESSION, 4) == MASKS && field(GREEN_MASK, 4) == 0x07e0 { 63 } else { 31 };
    for pixel in picture.pixels_mut() {
        for (value, largest) in pixel.0.iter_mut().zip([31, green, 31]) {
            let level = (u32::from(*value) * largest + 127) / 255;
            *value = (level * 255 / largest) as u8;
        }
    }
}
