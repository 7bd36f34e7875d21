//! Operations that interpolate or extrapolate between a picture and a duller one, as PIL's `ImageEnhance`.

use std::array::from_fn;

use super::Canvas;
use crate::augmentation::channels::luma;

/// `dull + factor (level - dull)`, clipped, in single precision as in PIL.
fn blend(dull: u8, level: u8, factor: f32) -> u8 {
    let (dull, level) = (i32::from(dull), i32::from(level));
    // The cast clips to 0 and 255 and truncates the fraction.
    (dull as f32 + factor * (level - dull) as f32) as u8
}

/// Saturation: the duller picture is grey.
pub(super) fn colour(canvas: &mut Canvas<'_>, factor: f32) {
    if canvas.channels != 3 {
        return;
    }
    for pixel in canvas.pixels.chunks_exact_mut(3) {
        let grey = luma(pixel[0], pixel[1], pixel[2]);
        pixel.iter_mut().for_each(|level| *level = blend(grey, *level, factor));
    }
}

/// Contrast: the duller picture is its mean grey level.
pub(super) fn contrast(canvas: &mut Canvas<'_>, factor: f32) {
    let grey = |pixel: &[u8]| match *pixel {
        [red, green, blue] => luma(red, green, blue),
        _ => pixel[0],
    };
    let sum: u64 = canvas.pixels.chunks_exact(canvas.channels).map(|pixel| u64::from(grey(pixel))).sum();
    let mean = (sum as f64 / (canvas.height * canvas.width) as f64 + 0.5) as u8;
    canvas.look_up(|_, _| from_fn(|level| blend(mean, level as u8, factor)));
}

/// Brightness: the duller picture is black.
pub(super) fn brightness(canvas: &mut Canvas<'_>, factor: f32) {
    canvas.look_up(|_, _| from_fn(|level| blend(0, level as u8, factor)));
}

/// Sharpness: the duller picture is smoothed, with weight 5 for a pixel and 1 for its eight neighbours. The border does
/// not change.
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
                // Rounds to the nearest; a multiple of 1/13 is never halfway.
                let smooth = ((2 * sum + 13) / 26) as u8;
                *out = blend(smooth, centre, factor);
            }
        }
    });
}
