//! Operations that blend a picture with a duller one, or beyond it: PIL's `ImageEnhance`.

use std::array::from_fn;

use super::Canvas;
use crate::pictures::channels::luma;

/// `dull + factor (level - dull)`, cut off, in the single precision that PIL uses.
fn blend(dull: u8, level: u8, factor: f32) -> u8 {
    let (dull, level) = (i32::from(dull), i32::from(level));
    // The cast cuts off at 0 and 255, and the fraction.
    (dull as f32 + factor * (level - dull) as f32) as u8
}

/// Saturation: from grey.
pub(super) fn colour(canvas: &mut Canvas<'_>, factor: f32) {
    if canvas.channels != 3 {
        return;
    }
    for pixel in canvas.pixels.chunks_exact_mut(3) {
        let grey = luma(pixel[0], pixel[1], pixel[2]);
        pixel.iter_mut().for_each(|level| *level = blend(grey, *level, factor));
    }
}

/// Contrast: from the mean grey.
pub(super) fn contrast(canvas: &mut Canvas<'_>, factor: f32) {
    let grey = |pixel: &[u8]| match *pixel {
        [red, green, blue] => luma(red, green, blue),
        _ => pixel[0],
    };
    let sum: u64 = canvas.pixels.chunks_exact(canvas.channels).map(|pixel| u64::from(grey(pixel))).sum();
    let mean = (sum as f64 / (canvas.height * canvas.width) as f64 + 0.5) as u8;
    canvas.look_up(|_, _| from_fn(|level| blend(mean, level as u8, factor)));
}

/// Brightness: from black.
pub(super) fn brightness(canvas: &mut Canvas<'_>, factor: f32) {
    canvas.look_up(|_, _| from_fn(|level| blend(0, level as u8, factor)));
}

/// Sharpness: from the smoothed picture, every pixel with its eight neighbours as 5 to 1. The border stays.
pub(super) fn sharpness(canvas: &mut Canvas<'_>, factor: f32) {
    let (height, width, channels) = (canvas.height, canvas.width, canvas.channels);
    if height < 3 || width < 3 {
        return;
    }
    let stride = width * channels;
    canvas.redraw(|pixels, out| {
        out.copy_from_slice(pixels);
        for row in 1..height - 1 {
            let rows = [row - 1, row, row + 1].map(|row| &pixels[row * stride..(row + 1) * stride]);
            let out = &mut out[row * stride + channels..(row + 1) * stride - channels];
            for (place, out) in out.iter_mut().enumerate() {
                let three = |row: &[u8]| {
                    u32::from(row[place]) + u32::from(row[place + channels]) + u32::from(row[place + 2 * channels])
                };
                let centre = rows[1][place + channels];
                let sum = rows.map(three).iter().sum::<u32>() + 4 * u32::from(centre);
                // To the nearest: of thirteenths none is in the middle.
                let smooth = ((2 * sum + 13) / 26) as u8;
                *out = blend(smooth, centre, factor);
            }
        }
    });
}
