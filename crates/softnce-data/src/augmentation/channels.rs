//! Converts between grey and colour.

use std::borrow::Cow;

use crate::Picture;

/// Luma of a pixel (ITU-R 601) in the integer arithmetic of PIL's `convert("L")`.
pub(super) fn luma(red: u8, green: u8, blue: u8) -> u8 {
    ((u32::from(red) * 19_595 + u32::from(green) * 38_470 + u32::from(blue) * 7_471 + 0x8000) >> 16) as u8
}

/// The picture with this number of channels (1 or 3): itself, or converted into `buffer`.
pub(super) fn with_channels<'p>(picture: &'p Picture<'_>, channels: usize, buffer: &'p mut Vec<u8>) -> Picture<'p> {
    let pixels = match (picture.channels, channels) {
        (1, 3) => {
            buffer.clear();
            buffer.extend(picture.pixels.iter().flat_map(|&level| [level; 3]));
            buffer.as_slice()
        }
        (3, 1) => {
            buffer.clear();
            buffer.extend(picture.pixels.chunks_exact(3).map(|pixel| luma(pixel[0], pixel[1], pixel[2])));
            buffer.as_slice()
        }
        _ => &picture.pixels,
    };
    Picture { height: picture.height, width: picture.width, channels, pixels: Cow::Borrowed(pixels) }
}
