//! From pixels of other kinds to red, green and blue, as Pillow converts them.

use std::sync::Once;

use image::{DynamicImage, ImageFormat, RgbImage};

/// A decoded picture of any kind.
///
/// Pillow keeps 16 bits of grey as they are and then takes values above 255 for white. Of 16 bits of a colour it reads
/// the high byte, except in PNM files, whose values are scaled.
pub(super) fn from_image(picture: DynamicImage, format: ImageFormat) -> RgbImage {
    let high = |samples: &[u16], of: usize| {
        samples.chunks_exact(of).flat_map(|pixel| [0, 1, 2].map(|at| high_byte(pixel[at]))).collect()
    };
    let (width, height) = (picture.width(), picture.height());
    let pixels: Option<Vec<u8>> = match &picture {
        DynamicImage::ImageLuma16(grey) => Some(grey.iter().flat_map(|&value| [clipped(value.into()); 3]).collect()),
        DynamicImage::ImageLumaA16(grey) => Some(grey.pixels().flat_map(|pixel| [high_byte(pixel.0[0]); 3]).collect()),
        DynamicImage::ImageRgb16(colour) if format != ImageFormat::Pnm => Some(high(colour, 3)),
        DynamicImage::ImageRgba16(colour) if format != ImageFormat::Pnm => Some(high(colour, 4)),
        _ => None,
    };
    pixels.and_then(|pixels| RgbImage::from_raw(width, height, pixels)).unwrap_or_else(|| picture.into_rgb8())
}

/// The high byte of 16 bits.
pub(super) fn high_byte(value: u16) -> u8 {
    (value >> 8) as u8
}

/// A value of grey with more than 8 bits: above 255 it is white. Whole numbers; fractions are dropped.
pub(super) fn clipped(value: f64) -> u8 {
    if value > 255.0 {
        static WARNED: Once = Once::new();
        WARNED.call_once(|| {
            log::warn!(
                "grey pictures of more than 8 bits: values above 255 become white, as in Pillow and torchvision; scale such \
                 pictures to 8 bits first"
            );
        });
    }
    // Saturates, and turns what is no number into 0.
    value as u8
}

/// Cyan, magenta, yellow and black of 8 bits each, 255 for full ink.
pub(super) fn from_cmyk(pixel: [u8; 4]) -> [u8; 3] {
    let [inks @ .., black] = pixel;
    let light = u32::from(255 - black);
    // The product of two values, divided by 255 and rounded.
    let times = |ink: u8| {
        let product = u32::from(ink) * light + 128;
        ((product >> 8) + product) >> 8
    };
    inks.map(|ink| (light - times(ink)) as u8)
}

/// A value of red, green or blue from one that is multiplied with its alpha.
pub(super) fn unmultiplied(value: u8, alpha: u8) -> u8 {
    match alpha {
        0 => 0,
        alpha => (u32::from(value) * 255 / u32::from(alpha)).min(255) as u8,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cmyk_as_pillow_converts_it() {
        // from PIL import Image
        // Image.new("CMYK", (1, 1), pixel).convert("RGB").getpixel((0, 0))
        for (pixel, expected) in [
            ([0, 0, 0, 0], [255, 255, 255]),
            ([255, 0, 0, 0], [0, 255, 255]),
            ([10, 100, 200, 50], [197, 125, 44]),
            ([1, 2, 3, 254], [1, 1, 1]),
            ([128, 128, 128, 128], [63, 63, 63]),
        ] {
            assert_eq!(from_cmyk(pixel), expected, "{pixel:?}");
        }
    }
}
